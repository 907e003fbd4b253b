"""Leave a legacy Turso (libSQL) database for a Prisma-shaped PostgreSQL: engine and command line."""

__version__ = "0.2.0"
