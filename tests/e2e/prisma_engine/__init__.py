"""Prisma's own schema engine in Node, where there is one."""
