"""What those who ask keep with their jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("jobs", sa.Column("about", sa.Text()))


def downgrade() -> None:
    """To the one before."""
    op.drop_column("jobs", "about")
