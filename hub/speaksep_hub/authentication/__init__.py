"""Signing in: which provider, which groups, and what becomes of them."""
