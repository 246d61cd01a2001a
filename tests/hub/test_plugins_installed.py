"""A plugin that is installed appears in a service that runs, and is gone when it is uninstalled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from speaksep_hub.client import Client
from speaksep_kernel.testing.skeleton import new_plugin
from tests.hub.service_process import ServiceProcess

HANGS_S = 12


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[ServiceProcess]:
    """One that has another folder of packages."""
    service = ServiceProcess(tmp_path_factory.mktemp("plugged"), PYTHONPATH=str(site)).start()
    yield service
    service.stop()


def install(site: Path, kind: str, name: str, folder: Path) -> None:
    """As pip does."""
    package = new_plugin(kind, name, folder)
    module = package.name.replace("-", "_")
    shutil.copy(package / f"{module}.py", site)
    info = site / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 0.1.0\n")
    entry = (package / "pyproject.toml").read_text().split(f'[project.entry-points."speaksep.{kind}s"]')[1]
    (info / "entry_points.txt").write_text(f"[speaksep.{kind}s]{entry.replace(chr(34), '')}")


def uninstall(site: Path) -> None:
    for each in site.iterdir():
        (shutil.rmtree if each.is_dir() else Path.unlink)(each)


def enums(service: ServiceProcess, ann: httpx.Client) -> dict[str, list[str]]:
    """Where the API says what may be chosen."""
    document = httpx.get(f"{service.url}openapi.json").json()
    options: dict[str, Any] = document["components"]["schemas"]["SeparationOptions"]["properties"]
    notebook = ann.get("notebooks/separate").json()["parameters"]["properties"]
    return {
        "separator": options["separator"]["enum"],
        "format": options["format"]["enum"],
        "notebook": notebook["separator"]["enum"],
    }


def soon(look: Callable[[], bool]) -> None:
    """Packages that came or went are looked at beside the requests."""
    end_s = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end_s
        time.sleep(0.1)


@pytest.fixture
def ann(service: ServiceProcess) -> Iterator[httpx.Client]:
    with service.client("ann") as client:
        yield client


def test_plugins_come_and_go_while_the_service_runs(
    service: ServiceProcess, ann: httpx.Client, site: Path, tmp_path: Path, talk: Path
) -> None:
    recording = ann.post("recordings", params={"name": "talk.wav"}, content=talk.read_bytes()).json()["id"]
    ours = enums(service, ann)
    assert (ours["separator"], "my-net" in ours["notebook"]) == (["file", "speaksep"], False)
    refused = ann.post(f"recordings/{recording}/separations", json={"separator": "my-net"})
    assert (refused.status_code, "there are: file, speaksep" in refused.text) == (422, True)

    install(site, "separator", "my-net", tmp_path)
    install(site, "exporter", "my-aiff", tmp_path)
    soon(lambda: {"my-net", "my-aiff"} <= {name for names in enums(service, ann).values() for name in names})
    more = enums(service, ann)
    assert (more["separator"], more["notebook"]) == (["file", "my-net", "speaksep"],) * 2
    assert "my-aiff" in more["format"]
    taken = ann.post(f"recordings/{recording}/separations", json={"separator": "my-net", "format": "my-aiff"})
    assert taken.status_code == 202, taken.text

    uninstall(site)
    soon(lambda: enums(service, ann) == ours)


def test_plugins_are_listed_with_their_options(
    service: ServiceProcess, ann: httpx.Client, site: Path, tmp_path: Path
) -> None:
    install(site, "separator", "my-net", tmp_path)
    rows = {row["name"]: row for row in ann.get("plugins", params={"kind": "separator"}).json()["items"]}
    assert set(rows) == {"file", "my-net", "speaksep"}
    assert rows["my-net"]["package"] == "speaksep-my-net"
    assert rows["my-net"]["options"]["cut_hz"]["type"] == "number"
    with Client(service.url, service.tokens["ann"]) as client:
        assert {row["kind"] for row in client.plugins()} >= {"separator", "cleaner", "exporter", "diagnoser"}
    uninstall(site)


def test_unknown_kind_is_refused(ann: httpx.Client) -> None:
    answer = ann.get("plugins", params={"kind": "seperator"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "unknown-kind")


def test_broken_one_is_not_offered_and_breaks_nothing(
    service: ServiceProcess, ann: httpx.Client, site: Path, tmp_path: Path
) -> None:
    install(site, "separator", "my-net", tmp_path)
    (site / "speaksep_my_net.py").write_text("import os; os.abort()")
    rows = {row["name"]: row for row in ann.get("plugins", params={"kind": "separator"}).json()["items"]}
    assert "my-net" not in rows
    assert enums(service, ann)["separator"] == ["file", "speaksep"]
    uninstall(site)


def test_one_that_hangs_while_it_is_imported_holds_no_request_up(
    service: ServiceProcess, ann: httpx.Client, site: Path, tmp_path: Path
) -> None:
    soon(lambda: enums(service, ann)["separator"] == ["file", "speaksep"])
    install(site, "separator", "my-net", tmp_path)
    module = site / "speaksep_my_net.py"
    module.write_text(f"import time; time.sleep({HANGS_S})\n{module.read_text()}")
    began_s = time.monotonic()
    for _ in range(3):
        assert enums(service, ann)["separator"] == ["file", "speaksep"]
    assert time.monotonic() - began_s < HANGS_S
    soon(lambda: "my-net" in enums(service, ann)["separator"])
    assert time.monotonic() - began_s > HANGS_S
    uninstall(site)
