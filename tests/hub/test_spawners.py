"""Sizes of servers, who may choose them, and what the real spawners would ask of Docker, SLURM and systemd for them."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.types
import pytest
from batchspawner import SlurmSpawner
from dockerspawner import DockerSpawner
from jupyterhub.spawner import SimpleLocalProcessSpawner, SpawnException
from systemdspawner import SystemdSpawner, systemd
from traitlets.config import Config

from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings
from speaksep_hub.spawning.spawners import configure_spawner

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
SIZES = [
    {
        "name": "small",
        "title": "Small & <cheap>",
        "memory_bytes": "2 GiB",
        "cores": 2,
        "environment": {"COLOUR": "blue"},
    },
    {
        "name": "gpu",
        "device": "gpu",
        "gpus": 2,
        "memory_bytes": "16 GiB",
        "cores": 8,
        "image": "registry.example.org/gpu:1",
        "partition": "accelerated",
        "run_time_s": 5400,
        "node_selector": {"gpu": "yes"},
    },
    {"name": "staff", "groups": ["staff"]},
]


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """``configured("docker", image="x")`` configures a hub with that kind of spawner."""

    def configure(kind: str, **more: Any) -> Config:
        c = Config()
        settings = Settings.model_validate({"spawner": {"kind": kind, "profiles": SIZES, **more}})
        configure_spawner(c, settings, Folder.open(tmp_path / "hub"))
        return c

    return configure


def server(kind: type[Any], c: Config, *groups: str) -> Any:
    """A server of somebody in these groups, as the hub makes it."""
    names = [SimpleNamespace(name=group) for group in groups]
    person = SimpleNamespace(name=ACCOUNT, escaped_name=ACCOUNT, id=7, url=f"/user/{ACCOUNT}/", groups=names)
    hub = SimpleNamespace(public_host="", base_url="/hub/", api_url="http://127.0.0.1:8081/hub/api")
    return kind(config=c, user=person, hub=hub, api_token="t", oauth_client_id="o", port=8888)


def test_what_may_be_chosen_is_a_form(configured: Callable[..., Config]) -> None:
    c = configured("simple")
    form = asyncio.run(server(SimpleLocalProcessSpawner, c, "staff").get_options_form())
    assert form.count('type="radio"') == 3
    assert "Small &amp; &lt;cheap&gt; (2 GiB, 2 cores, no GPU)" in form
    assert "staff" not in asyncio.run(server(SimpleLocalProcessSpawner, c).get_options_form())


def test_where_there_is_no_choice_there_is_no_form(configured: Callable[..., Config]) -> None:
    c = configured("simple", profiles=[SIZES[0], SIZES[2]])
    assert asyncio.run(server(SimpleLocalProcessSpawner, c).get_options_form()) == ""


@pytest.mark.parametrize(
    ("options", "reason", "status"),
    [
        pytest.param({"profile": "huge"}, "unknown-profile", 400, id="unknown"),
        pytest.param({"profile": "../x"}, "unknown-profile", 400, id="a path"),
        pytest.param({"profile": ["small"]}, "unknown-profile", 400, id="a list"),
        pytest.param({"profile": None}, "unknown-profile", 400, id="nothing"),
        pytest.param({"profile": "staff"}, "profile-not-allowed", 403, id="of another group"),
        pytest.param({"profile": "gpu"}, "no-gpu", 409, id="no GPU here"),
    ],
)
def test_a_server_is_refused_with_a_reason(
    configured: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    reason: str,
    status: int,
) -> None:
    monkeypatch.setenv("SPEAKSEP_GPUS", "GPU-that-is-not-there")
    spawner = server(SimpleLocalProcessSpawner, configured("simple"))
    with pytest.raises(SpawnException) as caught:
        asyncio.run(spawner._run_apply_user_options(options))
    assert (caught.value.reason, caught.value.status_code) == (reason, status)
    assert len(caught.value.message) < 400


def test_who_may_have_no_size_is_told(configured: Callable[..., Config]) -> None:
    spawner = server(SimpleLocalProcessSpawner, configured("simple", profiles=[SIZES[2]]))
    with pytest.raises(SpawnException) as caught:
        spawner.apply_user_options(spawner, {})
    assert caught.value.reason == "no-profile"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("psutil.virtual_memory", "no-memory", id="memory"),
        pytest.param("shutil.disk_usage", "no-space", id="disk"),
    ],
)
def test_a_full_machine_starts_no_further_server(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.setattr(f"speaksep_hub.spawning.capacity.{name}", lambda *_: SimpleNamespace(available=1e6, free=1e6))
    spawner = server(SimpleLocalProcessSpawner, configured("simple"))
    with pytest.raises(SpawnException) as caught:
        spawner.apply_user_options(spawner, {"profile": "small"})
    assert caught.value.reason == reason


def test_a_size_with_a_gpu_starts_where_there_is_one(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_GPUS", "pretend:0")
    spawner = server(SimpleLocalProcessSpawner, configured("simple"))
    spawner.apply_user_options(spawner, {"profile": "gpu"})
    assert spawner.get_env()["SPEAKSEP_DEVICE"] == "auto"


def test_a_process_is_told_its_limits_and_home(configured: Callable[..., Config], tmp_path: Path) -> None:
    spawner = server(SimpleLocalProcessSpawner, configured("simple", environment={"LAB": "phonetics", "COLOUR": "red"}))
    spawner.apply_user_options(spawner, {})
    environment = spawner.get_env()
    assert environment["MEM_LIMIT"] == str(2 * 1024**3)
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["SPEAKSEP_DEVICE"] == "cpu"
    assert (environment["LAB"], environment["COLOUR"]) == ("phonetics", "blue")
    assert environment["HOME"] == str(tmp_path / "hub" / "homes" / ACCOUNT)
    assert environment["SPEAKSEP_URL"] == "http://127.0.0.1:8000/services/speaksep/"


def test_another_choice_leaves_nothing_of_the_one_before(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_GPUS", "pretend:0")
    spawner = server(SimpleLocalProcessSpawner, configured("simple"))
    spawner.apply_user_options(spawner, {"profile": "small"})
    spawner.apply_user_options(spawner, {"profile": "gpu"})
    assert "COLOUR" not in spawner.get_env()
    assert spawner.get_env()["CPU_LIMIT"] == "8.0"


def test_docker_is_asked_for_limits_gpus_and_no_privileges(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = server(DockerSpawner, configured("docker", image="registry.example.org/speaksep:1"))
    asked = asyncio.run(_asked_of_docker(monkeypatch, spawner, "gpu"))
    host = asked["host_config"]
    assert asked["image"] == "registry.example.org/gpu:1"
    assert host["Memory"] == 16 * 1024**3
    assert host["CpuQuota"] == 800_000
    (request,) = host["DeviceRequests"]
    assert (request["Driver"], request["Count"], request["Capabilities"]) == ("nvidia", 2, [["gpu"]])
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] == "speaksep"
    assert host["Binds"] == [f"speaksep-{ACCOUNT}:/home/speaksep:rw"]
    assert "PortBindings" not in host
    assert asked["command"][:3] == ["python", "-m", "speaksep_hub.singleuser"]


def test_docker_gives_a_size_without_gpu_none(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    spawner = server(DockerSpawner, configured("docker", image="registry.example.org/speaksep:1"))
    asked = asyncio.run(_asked_of_docker(monkeypatch, spawner, "small"))
    assert asked["image"] == "registry.example.org/speaksep:1"
    assert "DeviceRequests" not in asked["host_config"]
    assert asked["environment"]["SPEAKSEP_DEVICE"] == "cpu"


def host_config(**more: Any) -> Any:
    """What the client of the Docker daemon makes of the keywords."""
    return docker.types.HostConfig(version="1.45", **more)


async def _asked_of_docker(monkeypatch: pytest.MonkeyPatch, spawner: Any, profile: str) -> dict[str, Any]:
    """What the Docker daemon would be asked to create."""
    asked: dict[str, Any] = {}

    async def docker_call(method: str, *values: Any, **more: Any) -> Any:
        asked.update(more)
        return {"Config": {"Entrypoint": None, "Cmd": None}}

    spawner.docker = docker_call
    monkeypatch.setattr(DockerSpawner, "client", SimpleNamespace(create_host_config=host_config))
    spawner.apply_user_options(spawner, {"profile": profile})
    await spawner.create_object()
    return asked


def test_slurm_gets_a_script_with_the_size(configured: Callable[..., Config]) -> None:
    c = configured("slurm")
    spawner = server(SlurmSpawner, c)
    spawner.apply_user_options(spawner, {"profile": "gpu"})
    script = asyncio.run(spawner._get_batch_script(**spawner.get_req_subvars(), cmd="x"))
    wanted = {
        "#SBATCH --partition=accelerated",
        "#SBATCH --time=1:30:00",
        "#SBATCH --mem=16384M",
        "#SBATCH --gres=gpu:2",
        "#SBATCH --cpus-per-task=8",
    }
    assert wanted <= set(script.splitlines())
    exported = next(line for line in script.splitlines() if line.startswith("#SBATCH --export="))
    assert {"SPEAKSEP_DEVICE", "OMP_NUM_THREADS", "SPEAKSEP_URL"} <= set(exported.partition("=")[2].split(","))
    assert c.JupyterHub.spawner_class == "batchspawner.SlurmSpawner"


def test_slurm_gives_a_size_without_gpu_none(configured: Callable[..., Config]) -> None:
    spawner = server(SlurmSpawner, configured("slurm"))
    spawner.apply_user_options(spawner, {"profile": "small"})
    script = asyncio.run(spawner._get_batch_script(**spawner.get_req_subvars(), cmd="x"))
    assert "--gres" not in script
    assert "--partition" not in script


@pytest.mark.parametrize(("profile", "private"), [("small", "yes"), ("gpu", None)])
def test_systemd_makes_a_unit_that_holds_to_its_limits(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, profile: str, private: str | None
) -> None:
    monkeypatch.setenv("SPEAKSEP_GPUS", "pretend:0")
    asked: dict[str, Any] = {}

    async def start(unit_name: str, **more: Any) -> None:
        asked.update(unit=unit_name, **more)

    async def running(unit_name: str) -> bool:
        return bool(asked)

    async def failed(unit_name: str) -> bool:
        return False

    monkeypatch.setattr(systemd, "start_transient_service", start)
    monkeypatch.setattr(systemd, "service_running", running)
    monkeypatch.setattr(systemd, "service_failed", failed)
    monkeypatch.setattr(systemd, "get_systemd_version", lambda: 252)
    spawner = server(SystemdSpawner, configured("systemd"))
    spawner.apply_user_options(spawner, {"profile": profile})
    asyncio.run(spawner.start())
    sizes = {size["name"]: size for size in SIZES}
    assert asked["unit"] == f"speaksep-{ACCOUNT}"
    assert asked["properties"]["CPUQuota"] == f"{sizes[profile]['cores'] * 100}%"
    assert asked["properties"]["MemoryMax"] == spawner.mem_limit
    assert asked["properties"]["PrivateTmp"] == "yes"
    assert asked["properties"]["NoNewPrivileges"] == "yes"
    assert asked["properties"].get("PrivateDevices") == private
    assert asked["environment_variables"]["SPEAKSEP_LEASES"] == "/run/lock/speaksep-leases"


def test_kubernetes_is_configured_with_limits_and_a_volume(configured: Callable[..., Config]) -> None:
    c = configured("kubernetes", namespace="speech", storage_bytes="5 GiB")
    pod = SimpleNamespace(user=SimpleNamespace(groups=[]))
    c.Spawner.apply_user_options(pod, {"profile": "gpu"})
    assert pod.extra_resource_limits == {"nvidia.com/gpu": "2"}
    assert pod.node_selector == {"gpu": "yes"}
    assert (pod.mem_limit, pod.cpu_limit, pod.image) == (16 * 1024**3, 8, "registry.example.org/gpu:1")
    assert c.KubeSpawner.allow_privilege_escalation is False
    assert c.KubeSpawner.automount_service_account_token is False
    assert (c.KubeSpawner.namespace, c.KubeSpawner.storage_capacity) == ("speech", str(5 * 1024**3))


def test_further_traits_are_passed_on(configured: Callable[..., Config]) -> None:
    spawner = server(
        DockerSpawner, configured("docker", options={"network_name": "other", "read_only_volumes": {"d": "/d"}})
    )
    assert spawner.network_name == "other"
    assert spawner.read_only_volumes == {"d": "/d"}
