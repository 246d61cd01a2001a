"""Alembic's migrations of the job table: one numbered file per step, up and down."""
