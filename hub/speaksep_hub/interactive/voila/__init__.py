"""Voila: published notebooks that people look at, and cannot run anything in."""
