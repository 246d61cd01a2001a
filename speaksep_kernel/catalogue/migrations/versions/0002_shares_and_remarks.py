"""Shares, who may see them, the links that lead to them, votes and comments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "shares",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("download", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.Column("revoked_at", sa.Float()),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("owner", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shares_owner_number", "shares", ["owner", "number"])
    op.create_table(
        "share_people",
        sa.Column("share", sa.String(32), sa.ForeignKey("shares.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sort", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
    )
    op.create_index("ix_share_people_sort_name", "share_people", ["sort", "name"])
    op.create_table(
        "share_links",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("share", sa.String(32), sa.ForeignKey("shares.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("note", sa.String(255), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.Column("revoked_at", sa.Float()),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_share_links_share", "share_links", ["share"])
    op.create_table(
        "remarks",
        sa.Column("number", COUNT, primary_key=True),
        sa.Column("share", sa.String(32), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("sort", sa.String(8), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at_s", sa.Float()),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("removed_at", sa.Float()),
        sa.UniqueConstraint("share", "place", "reader", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_remarks_share_place_number", "remarks", ["share", "place", "number"])


def downgrade() -> None:
    """Without them."""
    for table in ("remarks", "share_links", "share_people", "shares"):
        op.drop_table(table)
