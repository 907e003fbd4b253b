"""How one cell becomes a value of the target."""
