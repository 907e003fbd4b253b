"""PostgreSQL: connections, the catalog, DDL, locks, privileges, the embedded server."""
