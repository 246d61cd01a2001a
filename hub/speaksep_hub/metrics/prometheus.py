"""A Prometheus beside a platform on one machine: what it asks, which rules it knows, how it is started."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import speaksep_hub
from speaksep_hub.local.folder import Folder
from speaksep_hub.metrics import alertmanager
from speaksep_hub.metrics.access import SECRET
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError

RULES = "alerts.yml"
KEPT_DAYS = 30


def targets(settings: Settings) -> dict[str, str]:
    """What there is to ask, by the job that Prometheus calls it, and where.

    Parameters
    ----------
    settings
        Of a platform whose parts are all on this machine.
    """
    base, ports = settings.hub.base_path, settings.ports
    found = {
        "speaksep-hub": f"http://127.0.0.1:{ports.hub}{base}hub/metrics",
        "speaksep-service": f"http://127.0.0.1:{ports.service}{base}services/speaksep/metrics",
        "speaksep-worker": f"http://127.0.0.1:{ports.worker}/metrics",
    }
    if settings.dashboards.enabled:
        found["speaksep-dashboards"] = f"http://127.0.0.1:{ports.dashboards}{base}services/dashboards/metrics"
    return found


def config(
    found: Mapping[str, str], *, token: str, rules: str, scrape_s: int, alerts_to: str | None = None
) -> dict[str, Any]:
    """What Prometheus reads.

    Parameters
    ----------
    found
        As of `targets`.
    token
        File of the token.
    rules
        File of the rules.
    scrape_s
        Seconds between two looks.
    alerts_to
        HOST:PORT of an Alertmanager.
    """
    jobs = [
        {
            "job_name": name,
            "scheme": (parts := urlsplit(url)).scheme,
            "metrics_path": parts.path,
            "authorization": {"credentials_file": token},
            "static_configs": [{"targets": [parts.netloc]}],
        }
        for name, url in found.items()
    ]
    every = f"{scrape_s}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": f"{min(10, scrape_s)}s", "evaluation_interval": every},
        "rule_files": [rules],
        **({"alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerts_to]}]}]}} if alerts_to else {}),
        "scrape_configs": jobs,
    }


def write_config(settings: Settings, folder: Folder) -> Path:
    """Write it for a platform on this machine; it holds no secret, but where one is."""
    place, alerts = folder.run / "prometheus.yml", settings.alerts
    told = config(
        targets(settings),
        token=str(folder.secret_file(SECRET)),
        rules=str(alerts.rules.expanduser().absolute() if alerts.rules else shipped(RULES)),
        scrape_s=alerts.look_s,
        alerts_to=f"127.0.0.1:{settings.ports.alertmanager}" if alertmanager.program(settings) else None,
    )
    place.write_text(json.dumps(told, indent=1) + "\n")  # JSON is YAML
    return place


def command(settings: Settings, folder: Folder) -> tuple[str, ...]:
    """What starts it.

    Raises
    ------
    InputError
        Reason ``missing-program``: it is not installed.
    """
    program = which("prometheus", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/local/bin")
    if program is None:
        raise InputError(
            "Prometheus is not installed", reason="missing-program", hint="apt-get install prometheus, or its binary"
        )
    return (
        program,
        f"--config.file={write_config(settings, folder)}",
        f"--storage.tsdb.path={folder.path / 'prometheus'}",
        f"--storage.tsdb.retention.time={KEPT_DAYS}d",
        f"--web.listen-address=127.0.0.1:{settings.ports.prometheus}",
        "--log.level=warn",
    )


def url(settings: Settings) -> str:
    """Where it is, for whoever is on this machine."""
    return f"http://127.0.0.1:{settings.ports.prometheus}/"


def shipped(name: str) -> Path:
    """A file of ours: in the checkout, or where the wheel put it."""
    checkout = Path(speaksep_hub.__file__).parents[1] / "deploy" / "prometheus" / name
    return checkout if checkout.exists() else Path(sys.prefix, "share", "speaksep", "prometheus", name)
