"""Inspects any database: its profile, and the first draft of a mapping."""
