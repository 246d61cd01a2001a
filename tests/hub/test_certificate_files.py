"""The hub tells the proxy of new certificate files, and of nothing that it could not use."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import toml

from speaksep_hub.proxy.certificates import Certificate
from speaksep_hub.proxy.hub import WatchingProxy
from tests.hub.authority import Authority

NAME = "speech.example.org"
PATIENCE_S = 60.0


class Files:
    """A certificate and its key, as an administrator keeps them, and what the proxy is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder, 0)
        self.certificate, self.key = self.authority.issue(folder, NAME)

    def replace(self, *, key: bool = True) -> int:
        """Put new ones into their place; the number of the new certificate."""
        made = self.folder / "new"
        made.mkdir(exist_ok=True)
        certificate, secret = self.authority.issue(made, NAME)
        shutil.move(certificate, self.certificate)
        for _ in range(key):
            shutil.move(secret, self.key)
        return Certificate.of_pem(self.certificate.read_bytes()).serial

    def proxy(self) -> Any:
        """The hub's side of the proxy; nothing else of a hub."""
        return WatchingProxy(
            dynamic_config_file=str(self.folder / "routes.toml"),
            extra_dynamic_config={"tls": {"options": {"default": {"minVersion": "VersionTLS12"}}, "stores": {}}},
            certificate_file=str(self.certificate),
            key_file=str(self.key),
            certificate_folder=str(self.folder / "run"),
            certificate_look_s=0.02,
            traefik_api_password="not-used",
            log=logging.getLogger("tried.proxy"),
        )

    def told(self) -> int:
        """The number of the certificate that the proxy is told to show; 0: none."""
        tls = toml.loads((self.folder / "routes.toml").read_text())["tls"]
        assert tls["options"] == {"default": {"minVersion": "VersionTLS12"}}
        given = tls.get("stores", {}).get("default", {}).get("defaultCertificate")
        return Certificate.of_pem(Path(given["certFile"]).read_bytes()).serial if given else 0


async def until(holds: Callable[[], object]) -> None:
    """Wait for something."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.02)


def test_it_is_told_of_what_belongs_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = Files(tmp_path)

    async def scene() -> None:
        proxy = files.proxy()
        await proxy._setup_traefik_dynamic_config()
        first = files.told()
        assert first == Certificate.of_pem(files.certificate.read_bytes()).serial
        files.replace(key=False)
        await until(lambda: "is not the key of" in caplog.text)
        assert files.told() == first
        second = files.replace()
        await until(lambda: files.told() == second)
        files.replace(key=False)
        proxy._watching.cancel()
        again = files.proxy()  # the hub was killed and comes again, and the files are no pair at that moment
        await again._setup_traefik_dynamic_config()
        again._watching.cancel()
        assert files.told() == second

    asyncio.run(scene())
    assert "BEGIN" not in caplog.text


def test_it_is_told_of_none_if_there_never_was_a_good_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = Files(tmp_path)
    files.key.unlink()

    async def scene() -> None:
        proxy = files.proxy()
        await proxy._setup_traefik_dynamic_config()
        assert files.told() == 0
        new = files.replace()
        await until(lambda: files.told() == new)
        proxy._watching.cancel()

    asyncio.run(scene())
    assert f"{files.key} cannot be read" in caplog.text
