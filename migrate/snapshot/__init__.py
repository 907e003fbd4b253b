"""The frozen local copy of the source, and the local database for questions about it."""
