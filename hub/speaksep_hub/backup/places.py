"""Where a platform keeps what a backup holds, by its settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL

from speaksep_hub.configuration import database_url
from speaksep_hub.local.folder import Folder
from speaksep_hub.service.platform import jobs_place
from speaksep_hub.settings import Settings
from speaksep_kernel.jobs.database import url_of
from speaksep_kernel.store.store import Store


@dataclass(frozen=True)
class Places:
    """All of it.

    Attributes
    ----------
    jobs, hub
        Databases: jobs and catalogue, and the hub's own.
    store
        Recordings and results.
    folders
        Folders of files, by room.
    tokens
        File with hashes of tokens, where the service runs without a hub.
    root
        Folder of the hub.
    """

    jobs: URL
    hub: URL
    store: Store
    folders: dict[str, Path]
    tokens: Path
    root: Path

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """Those that the settings name; nothing is made there."""
        kept = settings.hub.kept
        store = settings.store.url or os.environ.get("SPEAKSEP_STORE") or kept("store")
        return cls(
            jobs=url_of(jobs_place(settings)),
            hub=make_url(database_url(settings, Folder(kept()))),
            store=Store.open(store),
            folders={
                "voices": settings.service.voices or kept("voices"),
                "audit": settings.audit.folder or kept("audit"),
                "homes": kept("homes"),
            },
            tokens=settings.service.token_file or kept("tokens.toml"),
            root=kept(),
        )

    @property
    def addresses(self) -> dict[str, str]:
        """How addresses in the databases begin, the most particular first."""
        return {"store": self.store.url, "voices": str(self.folders["voices"]), "root": str(self.root)}


def is_there(url: URL) -> bool:
    """Whether there is a database: an SQLite file that was never made holds nothing."""
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).is_file()
