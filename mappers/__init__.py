"""What becomes of a legacy row: one file an entity, expressions over columns, no I/O."""
