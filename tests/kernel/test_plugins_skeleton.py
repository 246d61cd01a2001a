"""A new plugin package builds, is found once installed, and passes its own tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.testing.skeleton import KINDS, new_plugin

ROOT = Path(__file__).parents[2]


def run(*arguments: str | Path, cwd: Path, path: Path | None = None) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, filter(None, [path, ROOT])))}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_new_packages_build_and_pass_their_own_tests(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for kind in KINDS:
        package = new_plugin(kind, f"my-{kind}", tmp_path)
        run("-m", "hatchling", "build", "-t", "wheel", cwd=package)
        (wheel,) = (package / "dist").glob("*.whl")
        zipfile.ZipFile(wheel).extractall(site)
    tests = sorted(tmp_path.glob("speaksep-my-*/tests"))
    output = run("-m", "pytest", "-v", "-W", "error", "-p", "no:cacheprovider", *tests, cwd=tmp_path, path=site)
    found = re.findall(r"test_speaksep_my_(\w+)\.py::test_is_found_once_installed PASSED", output)
    assert sorted(found) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_workflow_tests_and_checks_the_new_plugin(kind: str, tmp_path: Path) -> None:
    workflow = yaml.safe_load((new_plugin(kind, "my-own", tmp_path) / ".github/workflows/test.yml").read_text())
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step][1:] == [
        "pytest",
        f"speaksep plugins check my-own --group {kind}",
    ]
    assert steps[1]["with"]["python-version"] == "${{ matrix.python }}"
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)


def test_pip_installs_it(tmp_path: Path) -> None:
    package = new_plugin("separator", "my-own", tmp_path)
    site = tmp_path / "site"
    run(
        "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", site, package,
        cwd=tmp_path,
    )  # fmt: skip
    code = "from speaksep_kernel import plugins; print(plugins.create('separator', 'my-own', cut_hz='300').cut_hz)"
    assert run("-c", code, cwd=tmp_path, path=site) == "300.0\n"


@pytest.mark.parametrize("name", ["", "My-net", "my_net", "-net", "net-", "../net", "net net", "9lives"])
def test_bad_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        new_plugin("separator", name, tmp_path)
    assert caught.value.reason == "bad-name"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "speaksep-my-own").mkdir()
    with pytest.raises(InputError) as caught:
        new_plugin("separator", "my-own", tmp_path)
    assert caught.value.reason == "directory-exists"


def test_a_file_in_the_way_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        new_plugin("separator", "my-own", tmp_path / "file")
