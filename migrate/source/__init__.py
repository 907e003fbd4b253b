"""Reads the legacy database: over HTTP, over WebSocket, from a file or a dump."""
