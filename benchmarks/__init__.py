"""`make bench`: how long the whole migration takes, beside its peers on the same machine and server."""
