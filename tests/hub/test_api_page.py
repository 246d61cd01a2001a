"""Every example of docs/api.md is run: a recording of two people goes in, two tracks come out.

With a larger batch: ``API_TALKS=10``.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import sync_playwright

from speaksep_kernel.testing import conversation
from tests.hub.service_process import ServiceProcess

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TALKS = int(os.environ.get("API_TALKS", "3"))


def examples(language: str) -> list[str]:
    """The page's code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, talk: Path, many: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recordings of the examples, and where one is."""
    shutil.copy(talk, tmp_path / "talk.wav")
    shutil.copytree(many, tmp_path / "many")
    sf.write(tmp_path / "long.wav", np.tile(sf.read(talk)[0], 12), 16000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few short conversations."""
    folder = tmp_path_factory.mktemp("many")
    for seed in range(TALKS):
        sf.write(folder / f"talk{seed}.wav", conversation(3.0, overlap=0.3, seed=seed).audio, 16000)
    return folder


def environment(service: ServiceProcess, name: str) -> dict[str, str]:
    return {"SPEAKSEP_URL": service.url.rstrip("/"), "SPEAKSEP_TOKEN": service.tokens[name]}


def run(words: list[str], service: ServiceProcess, name: str) -> str:
    """Run a program as somebody; what it printed."""
    done = subprocess.run(
        words, env=os.environ | environment(service, name), capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def samples(path: Path) -> np.ndarray:
    return np.asarray(sf.read(path, dtype="float64")[0])


def assert_separated(folder: Path, extension: str = "flac") -> None:
    """Two tracks of the length of the recording, which give it again with what is left."""
    tracks = sorted(folder.glob(f"speaker_*.{extension}"))
    assert [track.stem for track in tracks] == ["speaker_1", "speaker_2"]
    whole = samples(folder / f"residual.{extension}") + sum(samples(track) for track in tracks)
    assert np.abs(whole - samples(Path("talk.wav"))).max() < 10 ** (-80 / 20)
    assert all(np.abs(samples(track)).max() > 0.01 for track in tracks)


def assert_table(path: Path) -> None:
    """A job for each, every one of which came to something."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["succeeded"] * TALKS


def test_the_page_has_examples() -> None:
    assert [len(examples(language)) for language in ("bash", "python", "js")] == [3, 2, 2]


@pytest.mark.slow
@pytest.mark.timeout(600)  # jobs, one after the other
def test_curl(working_service: ServiceProcess, desk: Path) -> None:
    # Another test may have had the same recording diagnosed; this one nobody has sent.
    sf.write(desk / "talk.wav", samples(desk / "talk.wav")[:-160], 16000)
    script = "\n".join(["set -euo pipefail", *examples("bash")])
    said = run(["bash", "-c", script], working_service, "ann")
    assert said.count("event: end") == 2
    assert_separated(desk)
    assert sf.info(desk / "speaker_1.mp3").format == "MP3"
    assert len((desk / "turns.rttm").read_text().splitlines()) >= 2
    assert_table(desk / "results.csv")
    with working_service.client("ann") as client:
        kept = [(item["name"], item["seconds"]) for item in client.get("recordings?limit=100").json()["items"]]
    assert ("long.wav", 96.0) in kept


@pytest.mark.slow
def test_python(
    working_service: ServiceProcess, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(working_service, "ann").items():
        monkeypatch.setenv(name, value)
    first, second = examples("python")
    exec(first, {})
    said = capsys.readouterr().out
    assert said.startswith("2 speakers")
    assert "100% " in said
    assert said.endswith("['Anna']\n")
    assert_separated(desk / "talk-tracks")
    assert sf.info(desk / "anna.mp3").format == "MP3"
    exec(second, {})
    assert_table(desk / "results.csv")


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="no Node on this machine")
def test_javascript_in_node(working_service: ServiceProcess, desk: Path) -> None:
    library, program = examples("js")
    (desk / "speaksep.mjs").write_text(library)
    (desk / "program.mjs").write_text(program)
    said = run([str(NODE), "program.mjs"], working_service, "ann")
    assert said.splitlines()[-1].startswith("100 ")
    assert [sf.info(f"speaker_{number}.wav").frames for number in (1, 2)] == [128_000] * 2


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_javascript_in_a_browser(working_service: ServiceProcess, talk: Path, tmp_path: Path) -> None:
    library = examples("js")[0].replace("export class", "class")
    program = f"""async ([url, token, talk]) => {{
      {library}
      const speaksep = new SpeakSep(url, token);
      const bytes = Uint8Array.from(atob(talk), letter => letter.charCodeAt(0));
      const recording = await speaksep.upload("talk.wav", new Blob([bytes]));
      const job = await speaksep.separate(recording, {{speakers: 2}});
      const states = [];
      for await (const event of speaksep.events(job)) states.push(event.state);
      const track = new Uint8Array(await (await speaksep.track(job, "speaker_1", "wav")).arrayBuffer());
      return [states.at(-1), btoa(Array.from(track, byte => String.fromCharCode(byte)).join(""))];
    }}"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{working_service.url}health")
        words = [working_service.url, working_service.tokens["bat"], b64encode(talk.read_bytes()).decode()]
        state, track = page.evaluate(program, words)
        browser.close()
    (tmp_path / "track.wav").write_bytes(b64decode(track))
    assert state == "succeeded"
    assert sf.info(tmp_path / "track.wav").frames == 128_000
