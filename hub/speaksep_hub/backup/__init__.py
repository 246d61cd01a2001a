"""Backups of a platform: what its databases name, in one place, each file once however many backups hold it."""
