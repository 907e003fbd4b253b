"""The order of stages, the context and state of a run, resume, dry run and rollback."""
