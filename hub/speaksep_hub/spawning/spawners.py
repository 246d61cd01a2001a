"""Configures the spawner that the settings name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner

from speaksep_hub.local.folder import Folder
from speaksep_hub.scopes import SERVER_TOKEN_SCOPES
from speaksep_hub.settings import Profile, Settings, SpawnerSettings
from speaksep_hub.spawning.capacity import machine_check
from speaksep_hub.spawning.processes import sure_of_its_process
from speaksep_hub.spawning.profiles import Profiles

Traits = Mapping[str, Any]
SERVER = "speaksep_hub.singleuser"
"""What runs as a user's server."""
CONTAINER_HOME = "/home/speaksep"
STOP_S = 3
"""How long a server that was asked to end may take, before it is told, and then made to."""
_KEPT = ("SPEAKSEP_GPUS", "SPEAKSEP_GPU_SLOTS", "SPEAKSEP_LEASES", "SPEAKSEP_NOTEBOOKS")
"""Variables of the administrator that servers on the same machine must agree on."""


def server_environment(settings: Settings) -> dict[str, str]:
    """What every server is told."""
    # Units have a /tmp each, and with it a folder of leases each, unless all are told of another one.
    leases = {"SPEAKSEP_LEASES": "/run/lock/speaksep-leases"} if settings.spawner.kind == "systemd" else {}
    return {
        **leases,
        "SPEAKSEP_URL": f"{settings.hub.url}/services/speaksep/",
        "SPEAKSEP_KERNEL_IDLE_S": str(settings.culling.kernel_idle_s),
        **settings.spawner.environment,
    }


def configure_spawner(c: Any, settings: Settings, folder: Folder) -> None:
    """Set ``c.JupyterHub.spawner_class`` and all that belongs to it.

    Parameters
    ----------
    c
        The hub's configuration.
    settings
        Of the platform.
    folder
        Where homes are, if nothing else says so.
    """
    spawner = settings.spawner
    configure, traits, here = _KINDS[spawner.kind]
    section = configure(c, settings, folder)
    profiles = Profiles(
        spawner,
        environment=server_environment(settings),
        traits=lambda profile: traits(profile, spawner),
        check=machine_check(folder.homes) if here else lambda profile: None,
    )
    c.Spawner.options_form = profiles.form
    c.Spawner.options_from_form = "simple"
    c.Spawner.apply_user_options = profiles.apply
    c.Spawner.start_timeout = spawner.timeout_s
    c.Spawner.http_timeout = spawner.timeout_s  # many that start at once share the processor
    c.Spawner.environment = server_environment(settings)
    c.Spawner.server_token_scopes = list(SERVER_TOKEN_SCOPES)
    c.Spawner.cmd = [sys.executable if here else "python", "-m", SERVER]
    for trait, value in spawner.options.items():
        section[trait] = value


def _processes(c: Any, settings: Settings, folder: Folder) -> Any:
    """Processes of this machine, of each person's account (local) or of the hub's (simple)."""
    simple = settings.spawner.kind == "simple"
    c.JupyterHub.spawner_class = sure_of_its_process(SimpleLocalProcessSpawner if simple else LocalProcessSpawner)
    c.LocalProcessSpawner.env_keep.extend([*_KEPT, *(("SPEAKSEP_RUNTIME_DIR",) if simple else ())])
    c.LocalProcessSpawner.interrupt_timeout = c.LocalProcessSpawner.term_timeout = STOP_S
    if not simple:
        return c.LocalProcessSpawner
    c.SimpleLocalProcessSpawner.home_dir_template = settings.spawner.home or str(folder.homes / "{username}")
    return c.SimpleLocalProcessSpawner


def _process(profile: Profile, spawner: SpawnerSettings) -> Traits:
    return {}  # nothing holds a plain process to its limits: it is only told them


def _units(c: Any, settings: Settings, folder: Folder) -> Any:
    c.JupyterHub.spawner_class = "systemd"
    section = c.SystemdSpawner
    section.default_shell = "/bin/bash"
    section.isolate_tmp = True
    section.disable_user_sudo = True
    section.unit_name_template = "speaksep-{USERNAME}"
    return section


def _unit(profile: Profile, spawner: SpawnerSettings) -> Traits:
    # Devices of their own means: no /dev/nvidia*.
    return {"isolate_devices": profile.device == "cpu"}


def _containers(c: Any, settings: Settings, folder: Folder) -> Any:
    c.JupyterHub.spawner_class = "docker"
    section = c.DockerSpawner
    section.image = settings.spawner.image
    section.network_name = settings.spawner.network
    section.use_internal_ip = True
    section.remove = True
    section.notebook_dir = CONTAINER_HOME
    section.volumes = {"speaksep-{username}": CONTAINER_HOME}
    return section


def _container(profile: Profile, spawner: SpawnerSettings) -> Traits:
    host: dict[str, Any] = {"security_opt": ["no-new-privileges"], "cap_drop": ["ALL"], "pids_limit": 4096}
    if profile.device == "gpu":
        count = profile.gpus or -1  # all of them, shared by the kernels' own leases
        host["device_requests"] = [{"Driver": "nvidia", "Count": count, "Capabilities": [["gpu"]]}]
    return {"image": profile.image or spawner.image, "extra_host_config": host}


def _pods(c: Any, settings: Settings, folder: Folder) -> Any:
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    section = c.KubeSpawner
    section.image = settings.spawner.image
    if settings.spawner.namespace:
        section.namespace = settings.spawner.namespace
    section.storage_pvc_ensure = True
    section.storage_capacity = str(int(settings.spawner.storage_bytes))
    section.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
    section.volume_mounts = [{"name": "home", "mountPath": CONTAINER_HOME}]
    section.notebook_dir = CONTAINER_HOME
    section.allow_privilege_escalation = False
    section.automount_service_account_token = False
    section.delete_grace_period = STOP_S
    return section


def _pod(profile: Profile, spawner: SpawnerSettings) -> Traits:
    return {
        "image": profile.image or spawner.image,
        "mem_guarantee": int(profile.memory_bytes) // 2,
        "cpu_guarantee": profile.cores / 4,
        "node_selector": dict(profile.node_selector),
        "extra_resource_limits": {"nvidia.com/gpu": str(profile.gpus)} if profile.gpus else {},
    }


def _batch_jobs(c: Any, settings: Settings, folder: Folder) -> Any:
    import batchspawner  # noqa: F401 - being imported is what adds the address that its servers report to

    c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
    return c.SlurmSpawner


def _batch_job(profile: Profile, spawner: SpawnerSettings) -> Traits:
    hours, rest = divmod(profile.run_time_s, 3600)
    return {
        "req_partition": profile.partition,
        "req_memory": f"{int(profile.memory_bytes) // 1024**2}M",
        "req_nprocs": str(max(1, round(profile.cores))),
        "req_runtime": f"{hours}:{rest // 60:02d}:{rest % 60:02d}",
        "req_gres": f"gpu:{profile.gpus}" if profile.gpus else "",
    }


_KINDS: Mapping[
    str, tuple[Callable[[Any, Settings, Folder], Any], Callable[[Profile, SpawnerSettings], Traits], bool]
] = {
    "simple": (_processes, _process, True),
    "local": (_processes, _process, True),
    "systemd": (_units, _unit, True),
    "docker": (_containers, _container, False),
    "kubernetes": (_pods, _pod, False),
    "slurm": (_batch_jobs, _batch_job, False),
}
"""What configures the class, what a size means to it, and whether servers run on the hub's own machine."""
