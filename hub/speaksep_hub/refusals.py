"""What is refused before anything starts: conveniences of one machine where others can reach it."""

from __future__ import annotations

import re

from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError

SHORTEST_SECRET = 16
_PLACEHOLDER = re.compile(
    r"(?:(?:change|me|this|it|my|secret|password|token|key|default|example|dev|test|speaksep|jupyterhub|hub|admin|todo|\d)"
    r"[-_. ]*)+",
    re.IGNORECASE,
)


def refuse_unsafe(settings: Settings) -> None:
    """Refuse settings that are good on one machine and dangerous where others can reach it.

    Parameters
    ----------
    settings
        Of the platform.

    Raises
    ------
    InputError
        Reason ``local-provider-exposed``: anybody could sign in as anybody; ``shared-account-exposed``: whoever has a
        server could read everybody's files; ``weak-secret``: one that others can guess.
    """
    hub = settings.hub
    if hub.on_loopback:
        return
    where = f"{hub.url} (listening on {hub.listening[0] or 'every address'})"
    if settings.sign_in.provider == "local":
        raise InputError(
            f"the local sign-in provider asks for no password, and {where} can be reached from other machines",
            reason="local-provider-exposed",
            hint="set sign_in.provider to a real one (docs/deployment.md), or hub.url to http://127.0.0.1:8000",
        )
    if settings.spawner.kind == "simple":
        raise InputError(
            f"spawner 'simple' runs all servers under one account, and {where} can be reached from other machines",
            reason="shared-account-exposed",
            hint="set spawner.kind to local, systemd, docker, kubernetes or slurm (docs/deployment.md)",
        )
    for place, text in _secrets(settings):
        if len(text) < SHORTEST_SECRET or len(set(text)) < 6 or _PLACEHOLDER.fullmatch(text):
            raise InputError(
                f"the secret {place} can be guessed: a placeholder, or less than {SHORTEST_SECRET} characters",
                reason="weak-secret",
                hint=f"leave {place} out (one is made by chance) or make one: openssl rand -hex 32",
            )


def _secrets(settings: Settings) -> list[tuple[str, str]]:
    named = [(f"secrets.{name}", value) for name, value in settings.secrets]
    named.append(("sign_in.client_secret", settings.sign_in.client_secret))
    return [(name, value.get_secret_value()) for name, value in named if value is not None]
