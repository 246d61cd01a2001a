"""A platform with everything that watches over it: Prometheus, Alertmanager, and whom that tells."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from speaksep_hub.backup.values import new_id
from speaksep_hub.metrics.prometheus import RULES, shipped
from tests.hub.receivers import Hook, Mails, mail_server, web_hook
from tests.hub.redis_server import RedisServer
from tests.hub.running import RunningHub, until

FASTER = float(os.environ.get("SPEAKSEP_ALERTS_FASTER", "60"))
"""Times in rules (`for`, ranges) are so many times shorter than those that are shipped; 1 is as they are."""
GATHER_S = 30 / FASTER
LOOK_S = 2
QUOTA_BYTES = 16 << 20
DISK_BYTES = 400 << 20
OPERATORS = "operators@example.org"


def faster(rules: str, times: float = FASTER) -> str:
    """Rules whose times are shorter; nothing below five seconds, in which there are two looks.

    >>> faster("for: 1m\\nexpr: rate(x[30m]) > 3600", 60)
    'for: 1s\\nexpr: rate(x[30s]) > 3600'
    """
    seconds = {"s": 1, "m": 60, "h": 3600}

    def shorter(found: re.Match[str]) -> str:
        exact = int(found[2]) * seconds[found[3]] / times
        return f"{found[1]}{max(1 if found[1] == 'for: ' else 5, round(exact))}s"

    return re.sub(r"(for: |\[)(\d+)([smh])\b", shorter, rules)


def rule_s(rule: dict[str, Any]) -> float:
    """How long a rule of ours waits, here."""
    number, unit = re.fullmatch(r"(\d+)([smh])", rule.get("for", "0s")).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit] / FASTER


def certify(folder: Path, days: float) -> None:
    """A certificate of the machine itself that is over so many days from now, in place of the one before."""
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "new").write_bytes(secret)
    (folder / "new").replace(folder / "key.pem")
    (folder / "new").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "new").replace(folder / "certificate.pem")


@dataclass
class Watched:
    """A platform, and what is seen and heard of it."""

    hub: RunningHub
    api: httpx.Client
    rita: httpx.Client
    redis: RedisServer
    mails: Mails
    hook: Hook
    certificates: Path
    leases: Path
    disk: Path | None
    """Where a disk of its own is, with the store in it; ``None`` where nobody may mount one."""

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers to a query."""
        answer = self.api.get("query", params={"query": query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def heard(self, alert: str, status: str) -> list[dict[str, Any]]:
        """What the webhook was told of an alert; nothing until there is a mail, too."""
        mailed = any(f"[{status}] {alert} (" in str(mail["Subject"]) for _, mail in self.mails.came)
        told = [each for _, body in self.hook.came for each in body["alerts"]]
        return [each for each in told if mailed and (each["labels"]["alertname"], each["status"]) == (alert, status)]

    def separate(self, recording: str, speakers: int) -> str:
        """A job that has rita's recording separated."""
        made = self.rita.post(f"recordings/{recording}/separations", json={"speakers": speakers})
        assert made.status_code == 202, made.text
        return str(made.json()["id"])

    def succeeds(self, job: str) -> None:
        """Wait for it."""
        until(lambda: self.rita.get(f"jobs/{job}").json()["state"] == "succeeded", 240)


@contextmanager
def watched_platform(folder: Path, sockets: Path, talk: Path) -> Iterator[Watched]:
    """``speaksep hub up --prometheus`` with TLS, a Redis, a GPU that is none and quotas; it has done a separation."""
    with ExitStack() as stack:
        mails, hook = stack.enter_context(mail_server()), stack.enter_context(web_hook())
        redis = RedisServer(sockets)
        redis.start()
        stack.callback(redis.stop)
        disk = stack.enter_context(mounted(folder / "disk"))
        certify(folder, 60)
        (folder / "backups" / "backups").mkdir(parents=True)
        (folder / "backups" / "backups" / f"{new_id()}.json").touch()
        (folder / "rules.yml").write_text(faster(shipped(RULES).read_text()))
        settings = {
            "HUB__URL": "https://localhost:8443",
            "TLS__CERTIFICATES": "files",
            "TLS__CERTIFICATE": str(folder / "certificate.pem"),
            "TLS__KEY": str(folder / "key.pem"),
            "TLS__HTTP_PORT": "0",
            "PROTECTION__STORAGE": redis.url,
            "STORE__URL": str(folder / "disk" / "store"),
            "STORE__QUOTA_BYTES": str(QUOTA_BYTES),
            "BACKUP__TO": str(folder / "backups"),
            "DASHBOARDS__INTERACTIVE": "[]",
            "ALERTS__MAIL_TO": f'["{OPERATORS}"]',
            "ALERTS__MAIL_FROM": "speaksep@example.org",
            "ALERTS__MAIL_SERVER": f"127.0.0.1:{mails.port}",
            "ALERTS__MAIL_TLS": "false",
            "ALERTS__WEBHOOK": f"http://127.0.0.1:{hook.port}/alerts",
            "ALERTS__RULES": str(folder / "rules.yml"),
            "ALERTS__LOOK_S": str(LOOK_S),
            "ALERTS__GATHER_S": str(GATHER_S),
        }
        variables = {f"SPEAKSEP_HUB__{name}": value for name, value in settings.items()}
        machine = {"SPEAKSEP_GPUS": "pretend:0", "SPEAKSEP_LEASES": str(folder / "leases")}
        hub = RunningHub(
            folder / "hub",
            "--workers=1",
            "--prometheus",
            SPEAKSEP_CACHE=str(folder / "cache"),
            **variables,
            **machine,
        )
        hub.trust = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        stack.callback(hub.stop)
        hub.start()
        with closing(hub.sign_in("rita", "researcher")) as browser:
            signed = {"Authorization": f"Bearer {hub.token(browser, 'rita')}"}
        # At the service's own port: the certificate of the proxy is not always good.
        service = next(word for word in hub.part("service").environ().items() if word[0] == "JUPYTERHUB_SERVICE_URL")
        rita = httpx.Client(
            base_url=f"{service[1]}/services/speaksep/api/v1/", headers=signed, timeout=60, trust_env=False
        )
        listen = next(word for word in hub.part("prometheus").cmdline() if "listen-address" in word)
        api = httpx.Client(
            base_url=f"http://127.0.0.1:{listen.rpartition(':')[2]}/api/v1/", timeout=30, trust_env=False
        )
        stack.callback(rita.close)
        stack.callback(api.close)
        watched = Watched(hub, api, rita, redis, mails, hook, folder, folder / "leases", disk)
        sent = rita.post("recordings", files={"file": ("talk.wav", talk.read_bytes())})
        watched.succeeds(watched.separate(sent.json()["items"][0]["id"], 2))
        assert rita.get("recordings/none").status_code == 404
        until(lambda: watched.ask('speaksep_jobs_finished_total{outcome="succeeded"} > 0'), 60)
        until(lambda: watched.ask('rate(speaksep_http_requests_total{status="404"}[1m])'), 60)  # it was looked at twice
        yield watched


@contextmanager
def mounted(place: Path) -> Iterator[Path | None]:
    """A folder, which is a small disk of its own where this process may mount one."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "none", str(place)]
    alone = subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield place if alone else None
    finally:
        if alone:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
