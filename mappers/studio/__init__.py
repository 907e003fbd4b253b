"""The studio directory's mapping, one file an entity."""
