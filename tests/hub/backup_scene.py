"""A platform that does not run: databases, store, voices and trail in a folder, made in a tenth of a second."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupyterhub
from alembic.script import ScriptDirectory
from jupyterhub.orm import APIToken, Group, Server, Spawner, User
from jupyterhub.utils import hash_token
from sqlalchemy import insert, make_url
from sqlalchemy.engine import URL

from speaksep_hub.backup.create import create
from speaksep_hub.backup.database import closing_engine
from speaksep_hub.backup.hub_database import empty_hub
from speaksep_hub.backup.restore import Restored, restore
from speaksep_hub.backup.values import Summary
from speaksep_hub.backup.vault import Vault
from speaksep_hub.configuration import database_url
from speaksep_hub.local.folder import Folder
from speaksep_hub.service.platform import jobs_place
from speaksep_hub.settings import Settings
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store

KEY = "the key of the tests"
SOUND = Sound(seconds=1.5, rate_hz=16000, channels=1, format="WAV")


@dataclass(frozen=True)
class Scene:
    """A platform in a folder, and the place of its backups.

    Parameters
    ----------
    settings
        Of it.
    at
        Place of the backups.
    key
        Of them.
    """

    settings: Settings
    at: str
    key: str | None = None

    @classmethod
    def new(cls, folder: Path, at: Path | str, key: str | None = None, **sections: dict[str, Any]) -> Scene:
        """One with these settings."""
        hub = {"folder": str(folder), **sections.pop("hub", {})}
        return cls(Settings.model_validate({"hub": hub, **sections}), str(at), key)

    @property
    def folder(self) -> Path:
        """Of the hub."""
        return self.settings.hub.folder

    @property
    def store(self) -> Store:
        """Its store."""
        return Store.open(self.settings.store.url or self.folder / "store")

    @property
    def vault(self) -> Vault:
        """Its backups."""
        return Vault.open(self.at, self.key, make=True)

    @contextmanager
    def tables(self) -> Iterator[tuple[JobTable, Catalogue]]:
        """Jobs and catalogue."""
        place = jobs_place(self.settings)
        with JobTable.open(place) as jobs, Catalogue.open(place) as catalogue:
            yield jobs, catalogue

    def add_recording(self, owner: str, data: bytes, name: str = "talk.wav") -> str:
        """Somebody's recording; its address for a job."""
        store = self.store
        with self.tables() as (_, catalogue), store.incoming(name) as file:
            file.write(data)
            with catalogue.claim(file.sha256) as claim:
                store.keep(file)
                catalogue.add(owner, name, claim, len(data), SOUND)
            return store.address(store.name(file.sha256, name))

    def add_result(self, owner: str, source: str, files: dict[str, bytes]) -> Job:
        """A job that succeeded, with what it published."""
        store = self.store
        with self.tables() as (jobs, _):
            key = keys.result(owner, hashlib.sha256(source.encode()).hexdigest()[:16])
            asked = JobRequest(
                notebook="separate", parameters={"source": source}, output=store.address(key), owner=owner, key=source
            )
            job = jobs.submit(asked)
            claimed = jobs.claim("test", lease_s=30)
            assert claimed is not None
            for name, data in files.items():
                store.write(f"{key}/{name}", data)
            jobs.succeed(job.id, claimed.attempt, result={"directory": store.address(key)})
            return jobs.get(job.id)

    def add_person(self, name: str) -> str:
        """Somebody the hub knows, with a server that runs; an API token of theirs."""
        scripts = ScriptDirectory(str(Path(jupyterhub.__file__).parent / "alembic"))
        engine = empty_hub(self.hub_url, {"versions": {"alembic_version": scripts.get_current_head()}}, "")
        token = f"0123456789abcdef{name}"
        with closing_engine(engine), engine.execution_options(writes=True).begin() as connection:
            for table, row in (
                (User, {"id": 7, "name": name, "encrypted_auth_state": b"\x00sealed"}),
                (Group, {"id": 2, "name": "phonetics"}),
                (Server, {"id": 3, "ip": "127.0.0.1", "port": 1}),
                (Spawner, {"id": 1, "user_id": 7, "server_id": 3, "name": "", "state": {"pid": 1}}),
                (APIToken, {"id": 5, "user_id": 7, "prefix": token[:4], "hashed": hash_token(token)}),
            ):
                connection.execute(insert(table.__table__), row)
        return token

    @property
    def hub_url(self) -> URL:
        """The hub's database."""
        return make_url(database_url(self.settings, Folder.open(self.folder)))

    def back_up(self) -> Summary:
        """Make one."""
        return create(self.settings, self.vault)

    def restored(self, backup: str = "latest") -> Restored:
        """Put it back."""
        vault = self.vault
        return restore(self.settings, vault, vault.summary(backup))
