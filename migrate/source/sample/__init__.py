"""The built-in sample: a synthetic legacy database, and a target with rows worth replacing."""
