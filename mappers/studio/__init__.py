"""The studio directory's mapping, one file per entity."""
