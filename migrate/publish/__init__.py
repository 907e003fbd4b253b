"""Makes staged rows live: swaps the tables or copies the rows."""
