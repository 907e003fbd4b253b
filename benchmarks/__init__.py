"""`make bench`: how long the whole migration takes, compared with its peers on the same machine and
server.
"""
