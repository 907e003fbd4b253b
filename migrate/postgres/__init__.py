"""Writing PostgreSQL: introspection, staging and ledger, publish, the embedded server."""
