"""Every fault on real servers: the same command typed again ends in the content of an undisturbed run."""
