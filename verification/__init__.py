"""The checks: given open connections and the ids, they import nothing of the project."""
