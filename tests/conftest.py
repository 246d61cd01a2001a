"""Which worker of pytest-xdist runs which file: long ones first, those that share a platform one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

ROOT = Path(__file__).parents[1]
SECONDS = {
    "tests/hub/test_metrics_prometheus.py": 160,
    "tests/kernel/test_jobs_faults_local.py": 150,
    "tests/notebooks/test_nbval.py": 100,
    "tests/hub/test_hub_up.py": 85,
    "tests/kernel/test_jobs_faults_cluster.py": 70,
    "tests/hub/test_backup_drill.py": 60,
    "tests/hub/test_upgrade.py": 60,
    "tests/kernel/test_plugins_third_parties.py": 80,
    "tests/hub/test_load.py": 55,
    "tests/kernel/test_jobs_executors.py": 55,
    "tests/kernel/test_edits_reseparate.py": 50,
    "tests/hub/test_tls_page.py": 45,
    "tests/kernel/test_diagnosis_measures.py": 45,
    "tests/notebooks/test_papermill.py": 40,
    "tests/docs/test_pages_alone.py": 40,
    "tests/hub/test_docs_pages.py": 35,
    "tests/hub/test_api_page.py": 35,
    "tests/hub/test_notices.py": 35,
    "tests/hub/test_store_elsewhere.py": 35,
    "tests/kernel/test_jobs_runner.py": 35,
    "tests/kernel/test_containment.py": 35,
    "tests/kernel/test_leases_holding.py": 35,
    "tests/kernel/test_results_separate.py": 35,
    "tests/dashboards/test_compare.py": 35,
    "tests/hub/test_identity_hub.py": 30,
    "tests/kernel/test_jobs_table_processes.py": 30,
    "tests/kernel/test_cli_identify.py": 28,
    "tests/kernel/test_jobs_dispatcher.py": 28,
    "tests/hub/test_dashboards_voila.py": 28,
    "tests/hub/test_schemathesis.py": 26,
    "tests/hub/test_guard.py": 25,
    "tests/kernel/test_diagnosis_streaming.py": 25,
    "tests/hub/test_dashboards_interactive.py": 25,
    "tests/kernel/test_edits_workflow.py": 22,
    "tests/kernel/test_leases_slots.py": 22,
    "tests/hub/test_logs_flow.py": 22,
    "tests/hub/test_certificates.py": 20,
    "tests/hub/test_roles.py": 20,
    "tests/hub/test_protection_service.py": 20,
    "tests/hub/test_load_command.py": 20,
    "tests/hub/test_plugins_installed.py": 18,
    "tests/hub/test_protection_platform.py": 18,
    "tests/hub/test_backup_faults.py": 18,
    "tests/hub/test_upgrade_units.py": 15,
    "tests/kernel/test_catalogue_shares.py": 15,
    "tests/kernel/test_gallery.py": 15,
    "tests/kernel/test_plugins_skeleton.py": 15,
    "tests/kernel/test_jobs_cache.py": 15,
    "tests/e2e/test_hub.py": 110,
    "tests/e2e/test_dashboards_as_viewer.py": 90,
    "tests/e2e/test_dashboards_interactive.py": 90,
    "tests/e2e/test_upload.py": 70,
    "tests/e2e/test_state.py": 60,
    "tests/e2e/test_dying_kernel.py": 60,
    "tests/e2e/test_dashboards_front.py": 60,
    "tests/e2e/test_jobs_page.py": 55,
    "tests/e2e/test_workbench.py": 50,
    "tests/e2e/test_view_collection.py": 45,
    "tests/e2e/test_forms.py": 40,
    "tests/e2e/test_speaker_tracks.py": 40,
    "tests/e2e/test_dashboards.py": 35,
    "tests/e2e/test_view_recording.py": 35,
    "tests/e2e/test_jobs_page_shares.py": 30,
}
"""About how long a file takes on two idle cores, where that is long (``pytest --durations=0`` tells)."""
USUAL_S = 3.0
SHARED = re.compile(r"\b(platform|deployment|working_service): (?:RunningHub|Deployment|ServiceProcess)\b")
"""Servers of tests/hub/conftest.py: a worker starts them once, for the first of its files that asks."""


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody finds the results of an earlier run, and the user's own cache stays as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKSEP_CACHE", str(tmp_path_factory.mktemp("results-cache")))
        yield


@cache
def servers(file: str) -> frozenset[str]:
    """The shared servers that the tests of a file ask for."""
    return frozenset(SHARED.findall((ROOT / file).read_text("utf-8")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """As ``--dist loadfile``, which would begin with the files of the most tests and may end with one long test."""
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        def _assign_work_unit(self, node: WorkerController) -> None:
            here = self._running(node)
            elsewhere = frozenset[str]().union(*(self._running(each) for each in self.nodes if each is not node))

            def order(file: str) -> tuple[bool, float]:
                return bool((servers(file) - here) & elsewhere), -SECONDS.get(file, USUAL_S)

            self.workqueue.move_to_end(min(self.workqueue, key=order), last=False)
            super()._assign_work_unit(node)

        def _running(self, node: WorkerController) -> frozenset[str]:
            return frozenset[str]().union(*(servers(file) for file in self.assigned_work[node]))

    return LongestFirst(config, log) if config.getvalue("dist") == "loadfile" else None
