"""Notebook tools for separated recordings."""
