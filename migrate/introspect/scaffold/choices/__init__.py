"""What a person decided about the target, in mapping.toml or by options, and what it means for a draft."""
