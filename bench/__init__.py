"""What must be fast."""
