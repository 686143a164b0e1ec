"""Fuzzing of the query language: `make fuzz`."""

SEPARATOR = "\x1f"  # between the query, the title and the text of one input
