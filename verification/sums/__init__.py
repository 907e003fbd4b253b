"""Sums over the cells of rows, by which the staged rows are compared with the mappers'."""
