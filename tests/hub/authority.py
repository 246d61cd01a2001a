"""An authority that issues certificates by ACME (RFC 8555): it asks the server for a token at its plain port.

Signatures of requests are not checked: whoever talks to it is under test, not it.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.client
import ipaddress
import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey


class Authority:
    """Issues certificates to whoever answers for a name.

    Attributes
    ----------
    root
        File of its own certificate.
    asked
        Names it was asked for and that it looked at, with what came of it.
    lives
        For how long what it issues holds.
    goes_on
        While this is not set it thinks: who asks for a certificate is told to ask again.
    """

    def __init__(self, folder: Path, plain_port: int) -> None:
        self.plain_port = plain_port
        self.lives = 90 * DAY
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        self.certificate = self._sign(self.name, self.key.public_key(), [], authority=True)
        self.root = folder / "root.pem"
        self.root.write_bytes(_pem(self.certificate))
        self.asked: list[tuple[str, bool]] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.url = ""
        self.thumbprint = ""
        self.orders: dict[str, dict[str, Any]] = {}

    def issue(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """Files of a certificate for these names, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate, secret = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
        certificate.write_bytes(_pem(self._sign(subject, key.public_key(), list(names))))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret

    def answer(self, path: str, protected: dict[str, Any], payload: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body for a request whose signed parts these are."""
        kind, _, number = path.strip("/").partition("/")
        number = number.partition("/")[0]
        order = self.orders.get(number, {})
        if kind == "account":
            self.thumbprint = _thumbprint(protected["jwk"])
            return 201, {"Location": f"{self.url}/account/1"}, {"status": "valid"}
        if kind == "order" and not number:
            number = str(len(self.orders) + 1)
            name = payload["identifiers"][0]["value"]
            self.orders[number] = {"name": name, "status": "pending", "token": secrets.token_urlsafe(24), "chain": ""}
            return 201, {"Location": f"{self.url}/order/{number}"}, self._order(number)
        if path.endswith("/finalize"):
            request = x509.load_der_x509_csr(_unpadded(payload["csr"]))
            named = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = named.get_values_for_type(x509.DNSName)
            assert order["status"] == "ready"
            assert names == [order["name"]]
            order["chain"] = (
                _pem(self._sign(request.subject, request.public_key(), names)).decode() + self.root.read_text()
            )
            order["status"] = "valid"
        if kind == "challenge":
            order["wanted"] = True  # the token is there now
        if kind in ("authorization", "challenge") and order.get("wanted") and self.goes_on.is_set():
            order["wanted"] = False
            holds = self._holds(order["name"], order["token"])
            self.asked.append((order["name"], holds))
            order["status"] = "ready" if holds else "invalid"
        if kind in ("authorization", "challenge"):
            status = {"pending": "pending", "invalid": "invalid"}.get(order["status"], "valid")
            challenge = {
                "type": "http-01",
                "url": f"{self.url}/challenge/{number}",
                "token": order["token"],
                "status": status,
            }
            whole = {"status": status, "identifier": {"type": "dns", "value": order["name"]}, "challenges": [challenge]}
            return 200, {"Retry-After": "1"}, challenge if kind == "challenge" else whole
        return (200, {}, order["chain"]) if kind == "certificate" else (200, {}, self._order(number))

    def _order(self, number: str) -> dict[str, Any]:
        order = self.orders[number]
        return {
            "status": order["status"],
            "identifiers": [{"type": "dns", "value": order["name"]}],
            "authorizations": [f"{self.url}/authorization/{number}"],
            "finalize": f"{self.url}/order/{number}/finalize",
            **({"certificate": f"{self.url}/certificate/{number}"} if order["chain"] else {}),
        }

    def _holds(self, name: str, token: str) -> bool:
        """Ask at the plain port, as if the name led there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=10)
        connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": name})
        said = connection.getresponse().read().decode()
        connection.close()
        return said == f"{token}.{self.thumbprint}"

    def _sign(self, subject: x509.Name, key: Any, names: list[str], authority: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + self.lives)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _thumbprint(jwk: dict[str, str]) -> str:
    """Of a key, as in RFC 7638."""
    needed = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in needed}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    authority: Authority

    def do_GET(self) -> None:
        places = {
            "newNonce": "nonce",
            "newAccount": "account",
            "newOrder": "order",
            "revokeCert": "revoke",
            "keyChange": "key",
        }
        self._send(200, {}, {name: f"{self.authority.url}/{place}" for name, place in places.items()})

    def do_HEAD(self) -> None:
        self._send(200, {}, "")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = json.loads(_unpadded(body["payload"]) or "null")
        self._send(*self.authority.answer(self.path, json.loads(_unpadded(body["protected"])), payload))

    def _send(self, status: int, headers: dict[str, str], body: Any) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/pem-certificate-chain" if isinstance(body, str) else "application/json"
        every = {"Replay-Nonce": secrets.token_urlsafe(16), "Content-Type": kind, "Content-Length": str(len(content))}
        for name, value in {**every, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def authority(folder: Path, plain_port: int) -> Iterator[Authority]:
    """An authority while the block runs.

    Parameters
    ----------
    folder
        For its files.
    plain_port
        Where it asks servers, in the place of port 80.
    """
    made = Authority(folder, plain_port)
    certificate, key = made.issue(folder, "localhost")
    handler = type("Handler", (_Handler,), {"authority": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
