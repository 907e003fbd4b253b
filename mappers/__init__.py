"""What a legacy row becomes: one file per entity, expressions over columns, no I/O."""
