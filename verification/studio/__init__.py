"""Checks that only a studio directory can be asked."""
