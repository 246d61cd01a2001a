"""The files for Kubernetes: what is in them agrees with the platform, and the chart's hub with the pods beside it.

There is no cluster here. ``kubectl`` renders them where it is there; ``make deployment`` holds them against the schemas
of Kubernetes; the chart's own schema is asked where ``SPEAKSEP_Z2JH`` names the folder of the chart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from traitlets.config import Config

from speaksep_hub.hub_services import services
from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import load
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.queue import JobTable

DEPLOY = Path(__file__).parents[2] / "hub" / "deploy"
PODS = DEPLOY / "kubernetes"
SECRET = "0123456789abcdef" * 4
CHART = os.environ.get("SPEAKSEP_Z2JH", "")


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    """Kind and name to what kustomization.yaml names."""
    names = yaml.safe_load((PODS / "kustomization.yaml").read_text())["resources"]
    found = [each for name in names for each in yaml.safe_load_all((PODS / name).read_text())]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text()))


def told(folder: Path, **more: str) -> dict[str, str]:
    """What hub and services are told: the file, and the secret."""
    return {
        "SPEAKSEP_HUB_CONFIG": str(PODS / "hub.toml"),
        "SPEAKSEP_HUB__HUB__FOLDER": str(folder),
        "SPEAKSEP_HUB__HUB__DATABASE": f"postgresql://hub:{SECRET}@postgres/hub",
        "SPEAKSEP_HUB__SIGN_IN__CLIENT_SECRET": SECRET,
        **more,
    }


def pod_of(each: dict[str, Any]) -> dict[str, Any]:
    return dict(each["spec"]["template"]["spec"])


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kubectl_renders_them() -> None:
    done = subprocess.run(["kubectl", "kustomize", str(PODS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    assert {each["metadata"]["namespace"] for each in rendered if each["kind"] != "Namespace"} == {"speaksep"}
    assert "image: speaksep:v" in done.stdout


def test_pods_may_nothing(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    pods = {name: pod_of(each) for (kind, name), each in objects.items() if kind == "Deployment"}
    assert set(pods) == {"speaksep", "speaksep-worker"}
    for pod in pods.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_containers_run_what_there_is(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    deployments = [each for (kind, _), each in objects.items() if kind == "Deployment"]
    commands = [container["command"] for each in deployments for container in pod_of(each)["containers"]]
    assert len(commands) == 5
    assert [main([*command[1:], "--help"]) for command in commands] == [0] * 5


def test_every_service_has_its_container_where_the_hub_looks_for_it(
    objects: dict[tuple[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    settings = load(environment=told(tmp_path / "hub"))
    known = {each.name: each.url for each in services(settings, Folder.open(tmp_path / "hub")) if each.url}
    pod, service = pod_of(objects["Deployment", "speaksep"]), objects["Service", "speaksep"]
    found = {each["command"][-1]: each for each in pod["containers"]}
    assert set(found) == set(known)
    open_ports = {each["targetPort"]: each["port"] for each in service["spec"]["ports"]}
    for name, container in found.items():
        (port,) = container["ports"]
        assert known[name] == f"http://{service['metadata']['name']}:{open_ports[port['name']]}"
        assert open_ports[port["name"]] == port["containerPort"]
        assert container["livenessProbe"]["httpGet"]["path"].startswith(f"/services/{name}/")


def test_workers_know_the_job_table_and_nothing_else(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    (worker,) = pod_of(objects["Deployment", "speaksep-worker"])["containers"]
    assert worker["envFrom"] == [{"secretRef": {"name": "speaksep-jobs"}}]
    assert [each["name"] for each in worker["env"]] == ["HOME", "TMPDIR"]


def test_secrets_of_the_chart_are_settings(values: dict[str, Any], tmp_path: Path) -> None:
    named = {
        name: each["valueFrom"]["secretKeyRef"]
        for name, each in values["hub"]["extraEnv"].items()
        if isinstance(each, dict)
    }
    assert {ref["name"] for ref in named.values()} == {"speaksep"}
    assert {name: ref["key"] for name, ref in named.items()} == {name: name for name in named}
    load(environment=told(tmp_path, **dict.fromkeys(named, SECRET)))  # an unknown one would be refused
    given = {name.rpartition("__")[2] for name in named if "__SECRETS__" in name}
    assert {"SERVICE", "DASHBOARDS", "VOILA", "PANEL", "COOKIE"} <= given


def test_the_charts_hub_is_configured(values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in told(tmp_path / "hub").items():
        monkeypatch.setenv(name, value)
    c = Config()  # as the chart leaves it
    c.JupyterHub.services = [{"name": "jupyterhub-idle-culler"}, {"name": "dask-gateway"}]
    c.JupyterHub.load_roles = [{"name": "jupyterhub-idle-culler"}]
    c.KubeSpawner.common_labels = {"app": "jupyterhub"}
    c.KubeSpawner.namespace = "speaksep"
    exec(values["hub"]["extraConfig"]["speaksep"], {"c": c})
    urls = {each["name"]: each.get("url", "") for each in c.JupyterHub.services}
    assert {"jupyterhub-idle-culler", "dask-gateway"} < set(urls)
    assert "idle-culler" not in urls, "the chart has one"
    assert urls["speaksep"] == "http://speaksep:8010"
    assert not any("command" in each for each in c.JupyterHub.services)
    assert {"jupyterhub-idle-culler", "speaksep-researcher"} <= {each["name"] for each in c.JupyterHub.load_roles}
    assert "proxy_class" not in c.JupyterHub
    assert "TraefikFileProviderProxy" not in c
    assert (c.JupyterHub.hub_bind_url, c.JupyterHub.hub_connect_url) == ("http://0.0.0.0:8081", "http://hub:8081")
    assert (c.KubeSpawner.namespace, c.KubeSpawner.common_labels) == ("speaksep", {"app": "jupyterhub"})
    assert c.KubeSpawner.environment["SPEAKSEP_URL"] == "https://speech.example.org/services/speaksep/"
    assert c.KubeSpawner.environment["DASK_GATEWAY__ADDRESS"] == "https://speech.example.org/services/dask-gateway/"
    assert c.KubeSpawner.tolerations == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_the_job_for_the_way_back_knows_its_tables(
    objects: dict[tuple[str, str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = yaml.safe_load((PODS / "tables.yaml").read_text())
    (container,) = pod_of(job)["containers"]
    (worker,) = pod_of(objects["Deployment", "speaksep-worker"])["containers"]
    assert container["envFrom"] == worker["envFrom"]
    monkeypatch.setenv("SPEAKSEP_JOBS", str(tmp_path / "jobs.sqlite3"))
    assert container["command"][0] == "speaksep"
    assert main(container["command"][1:]) == 0
    JobTable.open(tmp_path / "jobs.sqlite3").close()


def test_hub_and_image_have_one_version(values: dict[str, Any]) -> None:
    images = yaml.safe_load((PODS / "kustomization.yaml").read_text())["images"]
    versions = {values["hub"]["image"]["tag"], *(each["newTag"] for each in images)}
    versions |= set(
        re.findall(r'^image = "speaksep:([^"]+?)(?:-cuda)?"', (PODS / "hub.toml").read_text(), re.MULTILINE)
    )
    versions |= set(re.findall(r"^ +image: speaksep:(\S+)$", (PODS / "tables.yaml").read_text(), re.MULTILINE))
    assert len(versions) == 1


def merged(below: Any, above: Any) -> Any:
    """As Helm lays values over those of the chart."""
    pairs = {True: lambda: {**below, **{key: merged(below.get(key), each) for key, each in above.items()}}}
    return pairs.get(isinstance(below, dict) and isinstance(above, dict), lambda: above)()


@pytest.mark.skipif(not CHART, reason="SPEAKSEP_Z2JH names no folder of the chart")
def test_the_chart_takes_the_values(values: dict[str, Any]) -> None:
    chart = Path(CHART)
    below = yaml.safe_load((chart / "values.yaml").read_text())
    schema = Draft7Validator(yaml.safe_load((chart / "values.schema.yaml").read_text()))
    assert [error.message for error in schema.iter_errors(merged(below, values))] == []
    wrong = {"hub": {"image": {"name": 1}}, "speaksep": True}
    assert len(list(schema.iter_errors(merged(below, wrong)))) == 2
