"""The staging schema, the ledger, and the COPY of a batch."""
