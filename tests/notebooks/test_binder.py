"""Binder and conda: repo2docker takes what is in binder/, and everything opens where it should."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
ENVIRONMENTS = [ROOT / "environment.yml", BINDER / "environment.yml"]


def repo2docker(folder: Path) -> subprocess.CompletedProcess[str]:
    """The Dockerfile that Binder would build, printed and not built: no Docker and no network needed."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--no-run", "--debug", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def copied(tmp_path: Path) -> Path:
    shutil.copytree(BINDER, tmp_path / "binder")
    return tmp_path


@pytest.mark.timeout(300)
def test_repo2docker_accepts_it(tmp_path):
    done = repo2docker(copied(tmp_path))
    assert done.returncode == 0, done.stderr
    dockerfile = done.stdout + done.stderr
    for step in ['--file "binder/environment.yml"', "RUN ./binder/postBuild", 'ENTRYPOINT="${REPO_DIR}/binder/start"']:
        assert step in dockerfile


@pytest.mark.timeout(300)
def test_repo2docker_would_refuse_a_broken_environment(tmp_path):
    (copied(tmp_path) / "binder" / "environment.yml").write_text("- not\n- an environment\n")
    assert repo2docker(tmp_path).returncode != 0


@pytest.mark.parametrize("place", ENVIRONMENTS, ids=lambda place: str(place.relative_to(ROOT)))
def test_environments_are_one_python_and_pip(place):
    wanted = yaml.safe_load(place.read_text())
    names = [line for line in wanted["dependencies"] if isinstance(line, str)]
    assert wanted["channels"] == ["conda-forge"]
    assert names[1:] == ["pip"]
    assert names[0] == yaml.safe_load(ENVIRONMENTS[0].read_text())["dependencies"][0]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    version = re.fullmatch(r"python=(\d+)\.(\d+)", names[0])
    assert tuple(map(int, version.groups())) >= tuple(map(int, oldest.split(".")))


def test_conda_takes_all_packages_from_the_lock():
    wanted = yaml.safe_load(ENVIRONMENTS[0].read_text())
    assert wanted["dependencies"][-1] == {"pip": ["-r requirements.lock", "-e ."]}


def test_binder_takes_all_packages_from_the_lock():
    installs = [line for line in (BINDER / "postBuild").read_text().splitlines() if "pip install" in line]
    assert len(installs) == 2
    assert installs[0].endswith("-r requirements.lock")
    assert installs[1].endswith("--no-deps -e .")


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable_and_parse(name):
    assert os.access(BINDER / name, os.X_OK)
    assert subprocess.run(["bash", "-n", str(BINDER / name)], check=False).returncode == 0


def test_start_runs_what_it_is_given_without_telemetry():
    command = [str(BINDER / "start"), sys.executable, "-c", "import os; print(os.environ['PYANNOTE_METRICS_ENABLED'])"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "false\n"


def test_it_opens_with_a_notebook_that_exists():
    settings = json.loads((BINDER / "jupyter_server_config.json").read_text())
    pages = [re.split(r"^/(?:lab/tree|notebooks)/", app["default_url"])[1] for app in settings.values()]
    assert pages == ["notebooks/explore/workbench.ipynb"] * 2
    assert (ROOT / pages[0]).is_file()
