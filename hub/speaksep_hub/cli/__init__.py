"""Verbs of the program that need the hub's package; the program finds them by entry points (``speaksep.commands``)."""
