"""``speaksep dashboards up``: results on one machine, for the person who started it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.dashboards.stored_results import StoredResults


@contextmanager
def dashboards_up(folder: Path, *places: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that is printed, and the process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "SPEAKSEP_"))}
    words = [sys.executable, "-W", "error", "-m", "speaksep_kernel.cli", "dashboards", "up", *map(str, places)]
    environment = inherited | {"OMP_NUM_THREADS": "1", "HOME": str(folder), "TMPDIR": str(folder)}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        try:
            found = re.search(r"http://127\.0\.0\.1:\S+", process.stdout.readline())
            assert found is not None, process.stderr.read()
            yield found[0], process
        finally:
            process.kill()
            process.wait()


def test_a_result_is_shown_to_whoever_has_the_address(desk: StoredResults, tmp_path: Path) -> None:
    (tracks,) = Path(desk.fast.output).glob("tracks")
    with dashboards_up(tmp_path, tracks) as (address, process):
        with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as browser:
            page = browser.get(address, headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert "meeting.wav" in page.text
            assert re.fullmatch(r"/dashboards/mine/recording/[0-9a-f]{16}/", page.url.path)
            assert browser.get(page.url.join("files/turns.rttm")).text.startswith("SPEAKER")
            assert "meeting.wav" in browser.get(page.url.join("/dashboards/")).text
        home = "{0.scheme}://{0.netloc}/dashboards/".format(urlsplit(address))
        with httpx.Client(base_url=home, trust_env=False, timeout=60) as stranger:
            assert stranger.get("").status_code == 401
            assert stranger.get("open", params={"token": "guessed"}).status_code == 401
        process.send_signal(signal.SIGINT)
        process.wait(5)
    assert list(tmp_path.glob("speaksep-dashboards-*")) == []


@pytest.mark.parametrize("words", [["."], ["--explore", "jupyter"]], ids=["no result", "nothing to explore in"])
def test_what_cannot_be_shown_is_refused(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "speaksep_kernel.cli", "dashboards", "up", *words],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert repr(words[-1]) in done.stderr
    assert "Traceback" not in done.stderr
