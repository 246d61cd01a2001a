"""Metrics know when certificates are over: those of files, and those that the proxy got itself."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from speaksep_hub.metrics.platform import certificates
from speaksep_hub.settings import Settings

OVER = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
NAME = "speaksep_certificate_expiry_timestamp_seconds"


@pytest.fixture
def pem() -> bytes:
    """A certificate that is over at `OVER`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "speech.example.org")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(OVER - timedelta(days=90)).not_valid_after(OVER)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def settings(folder: Path, **tls: str) -> Settings:
    """Of a platform with TLS."""
    return Settings.model_validate({"hub": {"url": "https://speech.example.org", "folder": str(folder)}, "tls": tls})


def test_of_files(tmp_path: Path, pem: bytes) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(pem + pem)
    (tmp_path / "key.pem").write_text("is not read")
    files = {"certificate": str(chain), "key": str(tmp_path / "key.pem")}
    (found,) = certificates(settings(tmp_path, certificates="files", **files))
    assert (found.name, found.value, found.labels) == (NAME, OVER.timestamp(), ("speech.example.org",))


def test_of_an_authority(tmp_path: Path, pem: bytes) -> None:
    automatic = settings(tmp_path, certificates="automatic", email="a@example.org")
    assert list(certificates(automatic)) == []
    stored = {"domain": {"main": "voila.example.org"}, "certificate": base64.b64encode(pem).decode(), "key": "secret"}
    place = tmp_path / "certificates.json"
    place.write_text(json.dumps({"automatic": {"Account": {}, "Certificates": [stored]}}))
    (found,) = certificates(automatic)
    assert (found.value, found.labels) == (OVER.timestamp(), ("voila.example.org",))
    place.write_text(json.dumps({"automatic": {"Account": {}, "Certificates": None}}))  # before it has any
    assert list(certificates(automatic)) == []


def test_without_any(tmp_path: Path) -> None:
    assert list(certificates(Settings.model_validate({"hub": {"folder": str(tmp_path)}}))) == []
