"""Dump, restore drill and manifest of a PostgreSQL schema."""
