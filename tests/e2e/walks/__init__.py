"""From a database of a person to the target that he wants, by options and edits of mapping.toml alone."""
