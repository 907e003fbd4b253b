"""Migrates a legacy Turso (libSQL) database to a Prisma-shaped PostgreSQL."""

__version__ = "0.2.0"
