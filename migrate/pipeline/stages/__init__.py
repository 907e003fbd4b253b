"""The stages of a run, one per file."""
