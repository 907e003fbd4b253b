"""The report of a run and of an inspection: one HTML file that needs no other file and no script."""
