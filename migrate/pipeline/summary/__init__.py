"""The outcome of every row, counted from the ledger and the snapshot."""
