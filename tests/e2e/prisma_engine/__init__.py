"""Prisma's own schema engine in Node, if there is one."""
