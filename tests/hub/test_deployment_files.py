"""Files of hub/deploy for containers and units: valid by their schemas, and what they run is what the platform has.

There is no engine here: images are not built and containers not started. What can be tried without one is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pluggy
import pytest
import yaml
from check_jsonschema import main as check
from click.testing import CliRunner
from traitlets.config import Config

from speaksep_hub.local.ports import free_ports
from speaksep_hub.refusals import refuse_unsafe
from speaksep_hub.settings import Settings, load
from speaksep_kernel.cli import main
from tests.hub.redis_server import RedisServer
from tests.hub.running import until
from tests.kernel.database_servers import PostgreSql

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "hub" / "deploy"
COMPOSE = DEPLOY / "compose"
UNITS = sorted(each.name for each in (DEPLOY / "systemd").glob("*.service"))
SECRET = "0123456789abcdef" * 4
OTHERS = ("JUPYTERHUB_", "JPY_", "SPEAKSEP_")


def environment(**more: str) -> dict[str, str]:
    """That of a machine on which nothing of the platform is set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)} | more


def schema_errors(schema: str, place: Path) -> str:
    """What the schema that check-jsonschema brings has against a file; empty: nothing."""
    done = CliRunner().invoke(check, ["--builtin-schema", f"vendor.{schema}", str(place)])
    return "" if done.exit_code == 0 else done.output


def taken(words: list[str]) -> bool:
    """Whether the program takes such a command, which is not run."""
    assert words[0].rpartition("/")[2] == "speaksep"
    return main([*words[1:], "--help"]) == 0


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file of compose, with the variables of the example in their places."""
    values: dict[str, str] = {}
    for line in (COMPOSE / "env.example").read_text().splitlines():
        name, is_set, value = line.partition("=")
        values |= {name: value or SECRET} if is_set and not line.startswith("#") else {}
    text = (COMPOSE / "compose.yaml").read_text()
    wanted = set(re.findall(r"\$\{(\w+)", text)) | set(re.findall(r"^    environment: (\w+)$", text, re.MULTILINE))
    assert wanted == set(values), "env.example names exactly what the file wants"
    return dict(yaml.safe_load(re.sub(r"\$\{(\w+)[^}]*\}", lambda found: values[found[1]], text)))


def settings_of(compose: dict[str, Any], folder: Path) -> Settings:
    told = dict(compose["services"]["platform"]["environment"])
    told |= {"SPEAKSEP_HUB_CONFIG": str(COMPOSE / "hub.toml"), "SPEAKSEP_HUB__HUB__FOLDER": str(folder)}
    return load(environment=told)


def test_compose_is_valid_by_its_schema() -> None:
    assert schema_errors("compose-spec", COMPOSE / "compose.yaml") == ""


def test_a_broken_compose_file_would_be_noticed(tmp_path: Path) -> None:
    place = tmp_path / "compose.yaml"
    place.write_text((COMPOSE / "compose.yaml").read_text().replace("restart:", "restrat:"))
    assert "restrat" in schema_errors("compose-spec", place)


def test_compose_mounts_files_that_exist(compose: dict[str, Any]) -> None:
    mounts = [mount.split(":")[0] for each in compose["services"].values() for mount in each.get("volumes", ())]
    named = [mount for mount in mounts if mount.startswith(".")]
    assert named
    assert [mount for mount in named if not (COMPOSE / mount).exists()] == []
    assert {mount for mount in mounts if mount[0] not in "./"} == set(compose["volumes"])


def test_images_of_others_have_a_version(compose: dict[str, Any]) -> None:
    images = [each["image"] for each in compose["services"].values()]
    assert [image for image in images if not re.search(r":v?\d", image)] == []


@pytest.mark.parametrize("name", ["platform", "worker"])
def test_containers_of_ours_may_nothing_and_run_what_there_is(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service["read_only"] is True
    assert "docker.sock" not in json.dumps(service)
    assert taken(service["command"])


def test_settings_in_containers_are_safe_where_others_reach_them(compose: dict[str, Any], tmp_path: Path) -> None:
    settings = settings_of(compose, tmp_path)
    refuse_unsafe(settings)
    assert settings.hub.url == "https://speech.example.org"
    assert settings.hub.database is not None
    assert (settings.spawner.network, settings.hub.hub_host) == (compose["networks"]["servers"]["name"], "platform")
    public = {f"{settings.hub.port}:{settings.hub.listening[1]}", f"80:{settings.tls.http_port}"}
    assert set(compose["services"]["platform"]["ports"]) == public


def test_health_is_asked_for_where_the_parts_listen(compose: dict[str, Any], tmp_path: Path) -> None:
    settings = settings_of(compose, tmp_path)
    asked = " ".join(compose["services"]["platform"]["healthcheck"]["test"])
    assert f"http://127.0.0.1:{settings.ports.hub}/hub/health" in asked
    assert f"http://127.0.0.1:{settings.ports.service}/services/speaksep/health" in asked
    compile(compose["services"]["platform"]["healthcheck"]["test"][-1], "healthcheck", "exec")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """Addresses of the databases and of Redis, which are containers beside the platform."""
    redis, postgres = RedisServer(tmp_path), PostgreSql()
    redis.start()
    postgres.start()
    yield postgres.empty(), postgres.fresh(), redis.url
    postgres.remove()
    redis.stop()


def test_what_the_container_of_the_platform_runs_comes_up_and_is_healthy(
    compose: dict[str, Any], servers: tuple[str, str, str], tmp_path: Path
) -> None:
    platform = compose["services"]["platform"]
    database, jobs, redis = servers
    names = ("hub", "proxy", "service", "dashboards", "voila", "panel", "worker")
    public, *free = free_ports(len(names) + 1)
    own = dict(zip(names, free, strict=True))
    here = {
        "HUB__FOLDER": str(tmp_path / "data"),
        "HUB__LISTEN": f"127.0.0.1:{public}",
        "HUB__HUB_HOST": "127.0.0.1",
        "HUB__BIND_HOST": "127.0.0.1",
        "HUB__DATABASE": database,
        "PROTECTION__STORAGE": redis,
        "TLS__CERTIFICATES": "none",  # nobody outside is asked for any
        **{f"PORTS__{name}": str(port) for name, port in own.items()},
    }
    told = environment(**platform["environment"]) | {f"SPEAKSEP_HUB__{name}": value for name, value in here.items()}
    told |= {"SPEAKSEP_JOBS": jobs, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    words = [word.replace("/etc/speaksep/hub.toml", str(COMPOSE / "hub.toml")) for word in platform["command"]]
    told["SPEAKSEP_HUB_CONFIG"] = str(COMPOSE / "hub.toml")
    asked = platform["healthcheck"]["test"][-1]
    for name, port in (("hub", 8081), ("service", 8010)):
        asked = asked.replace(f":{port}/", f":{own[name]}/")
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "speaksep_kernel.cli", *words[1:]], env=told, stdout=file, stderr=file, cwd=tmp_path
        )
    try:
        until(lambda: "https://speech.example.org" in log.read_text() or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        assert subprocess.run([sys.executable, "-c", asked], env=environment(), check=False).returncode == 0
        process.send_signal(signal.SIGTERM)
        process.wait(int(platform["stop_grace_period"].rstrip("s")))
    finally:
        process.kill()
        process.wait()


FAKE_DOCKER = """#!/bin/sh
used=$(sed -n 's/^SPEAKSEP_IMAGE=//p' .env)
echo "${SPEAKSEP_IMAGE:-$used} $*" >> calls
case "${SPEAKSEP_IMAGE:-$used} $*" in
  *:$STRICT*"config --show"*) echo "speaksep: unknown setting" >&2; exit 2 ;;
  *:v1*"--needed jobs=0003"*) exit 2 ;;
  *:v1*--needed*) echo "jobs=0002 catalogue=0002" ;;
  *:v2*--needed*) echo "jobs=0003 catalogue=0002" ;;
  *"compose up"*) test "$used" != "$BROKEN" || exit 1 ;;
esac
exit 0
"""
"""Takes notes. Version 2 has tables that version 1 does not know."""
RUN = "compose run --rm --no-deps --no-TTY platform speaksep"
UP = "compose up --detach --wait --wait-timeout 180"


def upgraded(folder: Path, frm: str, to: str, *, broken: str = "none", strict: str = "none") -> tuple[int, list[str]]:
    """Code, and calls of docker that change something, each with the version that it is about, of an upgrade."""
    shutil.copy(COMPOSE / "upgrade", folder)
    (folder / ".env").write_text(f"SPEAKSEP_HOST=h\nSPEAKSEP_IMAGE=speaksep:{frm}\nDATABASE_PASSWORD={SECRET}\n")
    (folder / ".env").chmod(0o600)
    (folder / "docker").write_text(FAKE_DOCKER)
    (folder / "docker").chmod(0o755)
    told = environment(BROKEN=f"speaksep:{broken}", STRICT=strict, PATH=f"{folder}:{os.environ['PATH']}")
    done = subprocess.run([folder / "upgrade", f"speaksep:{to}"], env=told, capture_output=True, text=True, check=False)
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    calls = (folder / "calls").read_text().splitlines()
    assert calls[:2] == [f"speaksep:{frm} pull --quiet speaksep:{to}", f"speaksep:{to} {RUN} hub config --show"]
    asked = ("--needed", "compose logs", "config --show", "pull")
    changes = [call.removeprefix("speaksep:") for call in calls if not any(words in call for words in asked)]
    return done.returncode, changes


def image(folder: Path) -> str:
    found = re.search("^SPEAKSEP_IMAGE=speaksep:(.*)$", (folder / ".env").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_an_upgrade_that_comes_up_stays(tmp_path: Path) -> None:
    assert upgraded(tmp_path, "v1", "v2") == (0, [f"v2 {UP}"])
    assert image(tmp_path) == "v2"


def test_an_upgrade_that_does_not_come_up_is_taken_back_with_its_tables(tmp_path: Path) -> None:
    # The newer version brings the tables down, before the older one starts.
    down = f"v2 {RUN} jobs schema jobs=0002 catalogue=0002"
    stop = "v2 compose stop platform worker"
    assert upgraded(tmp_path, "v1", "v2", broken="v2") == (1, [f"v2 {UP}", stop, down, f"v1 {UP}"])
    assert image(tmp_path) == "v1"


def test_an_older_version_gets_its_tables_before_it_starts(tmp_path: Path) -> None:
    down = f"v2 {RUN} jobs schema jobs=0002 catalogue=0002"
    assert upgraded(tmp_path, "v2", "v1") == (0, ["v2 compose stop platform worker", down, f"v1 {UP}"])
    assert image(tmp_path) == "v1"


def test_an_older_version_that_does_not_come_up_leaves_the_newer_one(tmp_path: Path) -> None:
    code, calls = upgraded(tmp_path, "v2", "v1", broken="v1")
    assert (code, calls[-2:]) == (1, ["v1 compose stop platform worker", f"v2 {UP}"])
    assert image(tmp_path) == "v2"


def test_a_version_that_does_not_know_a_setting_changes_nothing(tmp_path: Path) -> None:
    assert upgraded(tmp_path, "v1", "v2", strict="v2") == (2, [])
    assert image(tmp_path) == "v1"


def test_the_wheel_is_built_from_what_the_image_is_given(tmp_path: Path) -> None:
    # Nothing that is not named reaches the build.
    lines = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    for name in (line[1:].rstrip("/") for line in lines if line.startswith("!")):
        source, target = ROOT / name, tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = {True: shutil.copytree, False: shutil.copy}[source.is_dir()]
        copy(source, target)
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path / "source", stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size > 10e6, "weights are in it"


def test_the_image_copies_what_it_is_given_and_is_not_root() -> None:
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) ", text, re.MULTILINE)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "1000:1000"
    extras = re.search(r"\.whl\)\[([\w,]+)\]", text)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras is not None
    assert set(extras[1].split(",")) <= set(known)
    compile_tools = re.search(r"\bapt(-get)?\b", text)
    assert compile_tools is None, "everything comes as a wheel"


@pytest.mark.parametrize("name", UNITS)
def test_units_start_what_there_is(name: str) -> None:
    unit = (DEPLOY / "systemd" / name).read_text()
    commands = re.findall(r"^ExecStart=(/opt/speaksep/.*)$", unit, re.MULTILINE)
    assert commands
    assert all(taken(shlex.split(command)) for command in commands)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_units(name: str, tmp_path: Path) -> None:
    for path, text in {"opt/speaksep/bin/speaksep": "", "etc/systemd/system/sysinit.target": "[Unit]\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "opt/speaksep/bin/speaksep").chmod(0o755)
    shutil.copy(DEPLOY / "systemd" / name, tmp_path / "etc/systemd/system")
    command = ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}", f"/etc/systemd/system/{name}"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in told.stderr.splitlines() if name in line]
    assert ours == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", ["speaksep.service", "speaksep-worker.service"])
def test_units_are_shut_in(name: str) -> None:
    place = DEPLOY / "systemd" / name
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_littlest_hub_gets_services_and_keeps_its_own() -> None:
    sys.path.insert(0, str(DEPLOY / "tljh"))
    try:
        import speaksep_tljh
    finally:
        sys.path.remove(str(DEPLOY / "tljh"))
    plugins = pluggy.PluginManager("tljh")
    plugins.register(speaksep_tljh)
    c = Config()
    c.JupyterHub.services = [{"name": "cull-idle"}]
    c.JupyterHub.proxy_class = "traefik_file"
    plugins.hook.tljh_custom_jupyterhub_config(c=c)
    services = {each["name"]: each for each in c.JupyterHub.services}
    assert list(services) == ["cull-idle", "speaksep", "dashboards", "voila", "panel", "speaksep-worker"]
    assert {each["user"] for name, each in services.items() if name != "cull-idle"} == {"speaksep"}
    assert all(len(services[name]["api_token"]) == 64 for name in ("speaksep", "dashboards", "voila", "panel"))
    worker = services["speaksep-worker"]
    assert taken(["speaksep", *worker["command"][3:]])
    assert worker["environment"]["SPEAKSEP_JOBS"] == services["speaksep"]["environment"]["SPEAKSEP_JOBS"]
    (role,) = c.JupyterHub.load_roles
    assert role["name"] == "user"
    assert {"self", "custom:speaksep:jobs:submit"} <= set(role["scopes"])
    assert (c.JupyterHub.proxy_class, "spawner_class" in c.JupyterHub) == ("traefik_file", False)
    assert plugins.hook.tljh_extra_hub_pip_packages() == [["speaksep[widgets,dashboards,hub]"]]
