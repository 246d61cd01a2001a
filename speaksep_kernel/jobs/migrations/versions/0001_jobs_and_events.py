"""Jobs and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "jobs",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("notebook", sa.String(255), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("batch", sa.String(255)),
        sa.Column("key", sa.String(255)),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("time_limit_s", sa.Float()),
        sa.Column("memory_limit_bytes", sa.BigInteger()),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("max_losses", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_s", sa.Float()),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("report", sa.Text()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float()),
        sa.Column("finished_at", sa.Float()),
        sa.Column("not_before", sa.Float()),
        sa.Column("delay_s", sa.Float()),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("owner", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
    op.create_index("ix_jobs_claim", "jobs", ["state", sa.text("priority DESC"), "number"])
    op.create_index("ix_jobs_claim_batch", "jobs", ["batch", "state", sa.text("priority DESC"), "number"])
    op.create_table(
        "events",
        sa.Column("seq", COUNT, primary_key=True),
        sa.Column("job_number", COUNT, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_job_number", "events", ["job_number"])


def downgrade() -> None:
    """Back to nothing."""
    op.drop_table("events")
    op.drop_table("jobs")
