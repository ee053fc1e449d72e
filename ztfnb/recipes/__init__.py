"""Filters that are ready to use, each with the source of its recipe."""
