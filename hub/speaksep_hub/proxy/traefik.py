"""Configuration of traefik: where it listens, how long it waits, and how it comes by certificates."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from speaksep_hub.local.folder import Folder
from speaksep_hub.proxy.certificates import AUTOMATIC
from speaksep_hub.settings import Settings

PLAIN_ENTRY, TLS_ENTRY, API_ENTRY = "http", "https", "auth_api"
"""Where people come in, without TLS and with, and where the hub looks whether its routes are in force."""
API_USER = "speaksep"
RESOLVER = "automatic"
UPLOAD_S = 3600
"""How long a request may take to arrive: by itself traefik would cut uploads after a minute."""
IDLE_S = 180
_STRICT = {
    # X_Forwarded_For is nobody's header; some servers would take it for the one that the proxy sets.
    "aliasHeadersStrategy": "delete",
    # No address here has them, and programs do not agree on what they mean.
    "encodedCharacters": {"allowEncodedNullCharacter": False, "allowEncodedBackSlash": False},
}


def dynamic_file(folder: Folder) -> Path:
    """Where the hub writes what leads where."""
    return folder.run / "routes.toml"


def static_file(folder: Folder) -> Path:
    """Where `write_static` writes."""
    return folder.run / "traefik.yml"


def entry(settings: Settings) -> str:
    """Where people come in."""
    return PLAIN_ENTRY if settings.tls.certificates == "none" else TLS_ENTRY


def api_url(settings: Settings) -> str:
    """Where the hub reaches it."""
    return f"http://127.0.0.1:{settings.ports.proxy}"


def static_config(settings: Settings, folder: Folder) -> dict[str, Any]:
    """What traefik reads once.

    Parameters
    ----------
    settings
        Of the platform.
    folder
        Where certificates and routes are kept.
    """
    host, port = settings.hub.listening
    people: dict[str, Any] = {"address": _address(host, port), "transport": _patience(), "http": dict(_STRICT)}
    entries = {entry(settings): people, API_ENTRY: {"address": f"127.0.0.1:{settings.ports.proxy}", "http": _STRICT}}
    config: dict[str, Any] = {
        "api": {},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "WARN", "format": "json"},
        "ping": {"entryPoint": API_ENTRY},
        "providers": {
            "providersThrottleDuration": "0s",
            "file": {"filename": str(dynamic_file(folder)), "watch": True},
        },
        "entryPoints": entries,
    }
    if settings.tls.certificates == "none":
        return config
    people["http"]["tls"] = {"options": "default"}
    if settings.tls.http_port:
        entries[PLAIN_ENTRY] = {
            "address": _address(host, settings.tls.http_port),
            "http": {
                **_STRICT,
                "redirections": {"entryPoint": {"to": f":{settings.hub.port}", "scheme": "https", "permanent": True}},
            },
        }
    if settings.tls.certificates == "automatic":
        people["http"]["tls"]["certResolver"] = RESOLVER
        if not settings.hub.subdomains:  # with them, each route names its host, and gets its own certificate
            people["http"]["tls"]["domains"] = [{"main": settings.hub.host}]
        config["certificatesResolvers"] = {
            RESOLVER: {
                "acme": {
                    "email": settings.tls.email,
                    "storage": str(folder.path / AUTOMATIC),
                    "caServer": settings.tls.authority,
                    "certificatesDuration": settings.tls.lifetime_hours,
                    # On the port that answers browsers without TLS: an authority always asks there.
                    "httpChallenge": {"entryPoint": PLAIN_ENTRY},
                }
            }
        }
    return config


def dynamic_config(settings: Settings) -> dict[str, Any]:
    """What the hub adds to the routes: certificates that are given, and nothing older than TLS 1.2."""
    tls: dict[str, Any] = {"options": {"default": {"minVersion": "VersionTLS12", "sniStrict": False}}}
    if settings.tls.certificates == "none":
        return {}
    if settings.tls.certificates == "files":
        assert settings.tls.certificate is not None
        assert settings.tls.key is not None
        tls |= default_certificate(settings.tls.certificate, settings.tls.key)
    return {"tls": tls}


def default_certificate(certificate: Path, key: Path) -> dict[str, Any]:
    """The part of the proxy's ``tls`` that says what certificate hosts get that have none of their own."""
    return {"stores": {"default": {"defaultCertificate": {"certFile": str(certificate), "keyFile": str(key)}}}}


def ping_url(settings: Settings) -> str:
    """Where it says that it lives, to whoever asks on this machine."""
    return f"{api_url(settings)}/ping"


def write_static(settings: Settings, folder: Folder) -> Path:
    """Write `static_config` where traefik is told to read it, for one that the hub does not start."""
    place = static_file(folder)
    draft = place.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(static_config(settings, folder), file, indent=1)  # JSON is YAML
    draft.replace(place)
    return place


def proxy_environment(settings: Settings) -> dict[str, str]:
    """Variables of traefik's environment."""
    root = settings.tls.authority_root
    return {"LEGO_CA_CERTIFICATES": str(root)} if root else {}


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _patience() -> dict[str, Any]:
    return {"respondingTimeouts": {"readTimeout": f"{UPLOAD_S}s", "writeTimeout": "0s", "idleTimeout": f"{IDLE_S}s"}}
