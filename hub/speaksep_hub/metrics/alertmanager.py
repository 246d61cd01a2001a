"""An Alertmanager beside a platform on one machine: whom it tells what, and how it is started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shutil import which
from typing import Any

from speaksep_hub.local.folder import Folder
from speaksep_hub.metrics.settings import AlertSettings
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError

NAMES = ("alertmanager", "prometheus-alertmanager")
"""Of the program: its own, and Debian's."""
TEXT = """\
{{ range .Alerts }}{{ .Status }} since {{ .StartsAt }}: {{ .Annotations.summary }}
What to do: {{ .Annotations.action }}
More: {{ .Annotations.runbook }}
{{ end }}"""
SHORT = "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.action }}\n{{ end }}"
INHIBIT = tuple(
    {"source_matchers": [f'alertname="{source}"'], "target_matchers": [target], "equal": ["job", "instance"]}
    for source, target in (
        ("SpeakSepPartDown", 'alertname!="SpeakSepPartDown"'),
        ("SpeakSepDiskFull", 'alertname="SpeakSepDiskFills"'),
        ("SpeakSepCertificateOver", 'alertname="SpeakSepCertificateEnds"'),
    )
)
"""Of a part that is down, nothing else is worth knowing; of something critical, not that it was a warning before."""


def config(alerts: AlertSettings) -> dict[str, Any]:
    """What Alertmanager reads; there are secrets in it.

    Parameters
    ----------
    alerts
        Of the platform.
    """
    mail = {
        "send_resolved": True,
        "from": alerts.mail_from,
        "smarthost": alerts.mail_server,
        "require_tls": alerts.mail_tls,
        "headers": {"Subject": "[{{ .Status }}] {{ .CommonLabels.alertname }} ({{ .Alerts | len }})"},
        "html": "",
        "text": TEXT,
    }
    if alerts.mail_user:
        mail["auth_username"] = alerts.mail_user
    if alerts.mail_password:
        mail["auth_password"] = alerts.mail_password.get_secret_value()
    everybody: dict[str, Any] = {"email_configs": [{"to": address, **mail} for address in alerts.mail_to]}
    if alerts.webhook:
        everybody["webhook_configs"] = [{"url": alerts.webhook.get_secret_value(), "send_resolved": True}]
    at_once = dict(everybody)
    if alerts.slack:
        title = "[{{ .Status }}] {{ .CommonLabels.alertname }}"
        told = {"api_url": alerts.slack.get_secret_value(), "send_resolved": True, "title": title, "text": SHORT}
        at_once["slack_configs"] = [told]
    return {
        "route": {
            "receiver": "all",
            "group_by": ["alertname", "job"],
            "group_wait": _ms(alerts.gather_s),
            "group_interval": _ms(10 * alerts.gather_s),
            "repeat_interval": "12h",
            "routes": [
                {
                    "matchers": ['severity="critical"'],
                    "receiver": "critical",
                    "group_wait": _ms(alerts.gather_s / 3),
                    "repeat_interval": "1h",
                }
            ],
        },
        "inhibit_rules": list(INHIBIT),
        "receivers": [{"name": "all", **everybody}, {"name": "critical", **at_once}],
    }


def write_config(settings: Settings, folder: Folder) -> Path:
    """Write it for a platform on this machine, for nobody else to read."""
    if settings.alerts.alertmanager is not None:
        return settings.alerts.alertmanager.expanduser().absolute()
    place = folder.run / "alertmanager.yml"
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(config(settings.alerts), indent=1) + "\n")  # JSON is YAML
    return place


def program(settings: Settings) -> str | None:
    """Where it is; ``None`` where it is not, which is no harm while nobody is to be told.

    Raises
    ------
    InputError
        Reason ``missing-program``: somebody is to be told, and it is not installed.
    """
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/local/bin"
    found = next((place for name in NAMES if (place := which(name, path=path))), None)
    if found is None and settings.alerts.somebody:
        raise InputError(
            "somebody is to be told of alerts, and Alertmanager is not installed",
            reason="missing-program",
            hint="apt-get install prometheus-alertmanager, or its binary",
        )
    return found


def command(settings: Settings, folder: Folder, found: str) -> tuple[str, ...]:
    """What starts it.

    Parameters
    ----------
    settings, folder
        Of the platform.
    found
        As of `program`.
    """
    return (
        found,
        f"--config.file={write_config(settings, folder)}",
        f"--storage.path={folder.path / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{settings.ports.alertmanager}",
        f"--web.external-url={url(settings)}",
        "--cluster.listen-address=",
        "--log.level=warn",
    )


def url(settings: Settings) -> str:
    """Where it is, for whoever is on this machine."""
    return f"http://127.0.0.1:{settings.ports.alertmanager}/"


def _ms(seconds: float) -> str:
    return f"{round(1000 * seconds)}ms"
