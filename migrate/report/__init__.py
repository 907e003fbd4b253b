"""The report of a run and of an inspection: one HTML file that needs nothing else, and no script."""
