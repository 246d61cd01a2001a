"""Whether a hub could start with its settings: each thing looked at, one line each."""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from speaksep_hub.settings import FILE_VARIABLE, PREFIX, Settings, load
from speaksep_kernel.cli.examined import Check, examined
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
    """Look at everything that can be seen without starting or writing anything.

    Parameters
    ----------
    settings
        Of the platform.
    """
    from speaksep_hub.doctor.certificates import certificates
    from speaksep_hub.doctor.places import clocks, folder, store
    from speaksep_hub.doctor.running import parts, proxy
    from speaksep_hub.doctor.tables import hub_database, jobs

    return [
        examined(name, partial(look, settings), "docs/deployment.md says what is needed")
        for name, look in (
            ("hub settings", _settings),
            ("hub packages", _packages),
            ("hub safety", _safety),
            ("hub folder", folder),
            ("hub database", hub_database),
            ("hub jobs", jobs),
            ("hub store", store),
            ("hub clock", clocks),
            ("hub sign-in", _sign_in),
            ("hub spawner", _spawner),
            ("hub certificates", certificates),
            ("hub proxy", proxy),
            ("hub dashboards", _dashboards),
            ("hub audit", _audit),
            ("hub rates", _rates),
            ("hub parts", parts),
        )
    ]


def _settings(settings: Settings) -> str:
    file = os.environ.get(FILE_VARIABLE)
    variables = sum(name.startswith(PREFIX) for name in os.environ)
    changed = sum(len(section.model_fields_set) for _, section in settings)
    return f"{changed} are not as they come; {file or 'no file'}, {variables} variables"


def _packages(settings: Settings) -> str:
    found = []
    for package in ("jupyterhub", "oauthenticator", "jupyterhub-traefik-proxy", "jupyterhub-idle-culler"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            raise SpeakSepError(f"{package} is not installed", hint="pip install 'speaksep[hub]'") from None
    return ", ".join(found)


def _safety(settings: Settings) -> str:
    from speaksep_hub.refusals import refuse_unsafe

    refuse_unsafe(settings)
    reach = "this machine only" if settings.hub.on_loopback else "other machines reach it"
    return f"{settings.hub.url}, {reach}"


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
