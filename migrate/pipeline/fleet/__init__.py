"""A fleet: many tenant databases become one PostgreSQL, each tenant by a task of its own."""
