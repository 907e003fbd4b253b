"""The type of each column, from its values and its declared type."""
