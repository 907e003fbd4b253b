"""Dump, restore drill, manifest."""
