"""Checks for a studio directory only."""
