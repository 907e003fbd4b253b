"""A mapping that a file describes: any source, table by table and column by column, without code."""
