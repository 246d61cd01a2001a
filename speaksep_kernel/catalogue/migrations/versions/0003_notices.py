"""What people want to be told of, and what they are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "notice_wishes",
        sa.Column("owner", sa.String(255), primary_key=True),
        sa.Column("wishes", sa.Text(), nullable=False),
    )
    op.create_table(
        "notice_reader",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("about", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("held_until", sa.Float()),
        sa.Column("told_at", sa.Float()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.UniqueConstraint("owner", "about", "address"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_state_due_at", "notices", ["state", "due_at"])
    op.create_index("ix_notices_made_at", "notices", ["made_at"])


def downgrade() -> None:
    """Without them."""
    for table in ("notices", "notice_reader", "notice_wishes"):
        op.drop_table(table)
