"""The frozen local copy of the source, and the local database for queries on it."""
