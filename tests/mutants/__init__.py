"""Mutation testing: single changes of the product's code, each of which some test must notice."""
