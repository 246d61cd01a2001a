"""Servers of users: what starts them, how large they may be, and why one is refused."""
