"""Separations on disk: tracks, residual, turns, manifest."""
