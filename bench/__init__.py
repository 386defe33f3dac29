"""What must be fast: ``python -m bench`` measures it and writes a report, ``pytest bench`` compares two versions."""
