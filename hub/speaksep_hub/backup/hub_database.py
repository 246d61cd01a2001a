"""The hub's own tables: as JupyterHub makes them, filled without what meant something only while it ran."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from speaksep_hub.backup.database import Row, refuse_filled
from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.database import engine_of, explained

_OF_A_RUN = frozenset({"servers", "oauth_codes"})


def empty_hub(url: URL, head: Mapping[str, Any], made_by: str) -> Engine:
    """A database with the hub's tables and nothing in them.

    Parameters
    ----------
    url
        Where.
    head
        What the copy says of itself.
    made_by
        JupyterHub's version that made it.

    Raises
    ------
    InputError
        Reason ``not-empty``.
    StoreError
        Reason ``other-jupyterhub``: its tables were others; or it cannot be made.
    """
    import jupyterhub
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from jupyterhub.orm import Base

    scripts = ScriptDirectory(str(Path(jupyterhub.__file__).parent / "alembic"))
    if (now := scripts.get_current_head()) != (then := head["versions"].get("alembic_version")):
        raise StoreError(
            f"JupyterHub {made_by} made the hub's tables ({then}), and {jupyterhub.__version__} has others ({now})",
            reason="other-jupyterhub",
            hint=f"restore with jupyterhub=={made_by}, then update it and run jupyterhub upgrade-db",
        )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    engine = engine_of(url, patience_s=30.0)
    try:
        with explained(engine), engine.execution_options(writes=True).begin() as connection:
            Base.metadata.create_all(connection)
            MigrationContext.configure(connection).stamp(scripts, "head")
        refuse_filled(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def as_after_a_restart(table: str, row: Row) -> Row | None:
    """A server that is noted as running would be looked for by the number of its process, which is another's now."""
    if table in _OF_A_RUN:
        return None
    row |= {name: None for name in ("server_id", "_server_id") if name in row}
    return row | {"state": None, "started": None} if table == "spawners" else row
