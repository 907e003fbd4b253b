"""Reading libSQL: over HTTP, over WebSocket, a file, a dump; the snapshot."""
