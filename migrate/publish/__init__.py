"""Making staged rows live: swap the tables or copy the rows."""
