"""A mapping onto the tables that a target has already."""
