"""A fuzzer that knows documents: it forges models field by field, and uses whatever still loads."""
