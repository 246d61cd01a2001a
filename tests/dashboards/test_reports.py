"""Reports of results on disk: what they say, what they hold, and what they say of what cannot be read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import speaksep_dashboards
from speaksep_dashboards.reports.canvas import svg
from speaksep_dashboards.reports.collection import of_rows
from speaksep_dashboards.reports.excerpts import LONGEST_S
from speaksep_dashboards.reports.pictures import COLUMNS, Lane, WhoSpokeWhen
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation, known_separation
from speaksep_kernel.voices.turns import Turn
from tests.dashboards.reading import told

AWKWARD = "录音 $x^2$ & <script>alert(1)</script>"
SECTIONS = ["What was found", "Who spoke when", "Listen", "All measurements", "Provenance"]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Separation:
    """Two people, one with an awkward name, in a recording with one."""
    talk = conversation(20.0, speakers=2, overlap=0.3, seed=3)
    return known_separation(talk, tmp_path_factory.mktemp("two") / "out", name=f"{AWKWARD}.wav", names={1: AWKWARD})


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Separation:
    """Nobody speaks."""
    quiet = conversation(3.0, speakers=0, noise_dbfs=-60.0)
    return known_separation(quiet, tmp_path_factory.mktemp("silent") / "out", name="room.wav")


def test_a_recording_is_told_heard_and_seen(two: Separation) -> None:
    report = told(speaksep_dashboards.report(two).html())
    assert report.headings == [f"{AWKWARD}.wav", *SECTIONS]
    assert {name: report.row(name)[0] for name in (AWKWARD, "speaker_2")} == {
        track.name or track.label: f"{track.seconds:.1f} s" for track in two.tracks
    }
    assert report.row("its SHA-256") == [two.manifest.input.sha256]
    assert report.row("residual.flac")[-1] == two.manifest.files["residual.flac"]
    assert len(report.pictures) == 2
    assert all(AWKWARD in alt for alt in report.pictures)


def test_each_speaker_is_heard_alone_where_others_talk_over_them(two: Separation) -> None:
    sounds = told(speaksep_dashboards.report(two).html()).sounds
    assert [name.split(", 0:")[0] for name in sounds] == ["The recording", f"{AWKWARD} alone", "speaker_2 alone"]
    samples = [sound for sound, _ in sounds.values()]
    assert {len(sound) for sound in samples} == {round(LONGEST_S * 16000)}
    mixture, first, second = samples
    # Opus keeps no samples, but what was taken apart is still about what was together.
    assert np.corrcoef(mixture, first + second)[0, 1] > 0.9


def test_a_report_does_not_tell_where_it_was_made(two: Separation) -> None:
    place = str(two.directory)
    html = speaksep_dashboards.report(two, sound=False).html()
    assert place not in html
    assert str(Path.home()) not in html


def test_figures_keep_their_letters(two: Separation) -> None:
    drawn = "".join(told(speaksep_dashboards.report(two).html()).pictures.values())
    assert "$x^2$" in drawn  # no formula, and no markup
    assert "prefers-color-scheme:dark" in drawn


def test_nobody_speaks(silent: Separation) -> None:
    made = speaksep_dashboards.report(silent)
    report = told(made.html())
    assert "Nobody speaks in this recording" in report.text
    assert report.sounds == {}
    assert made.pdf().startswith(b"%PDF-")


def test_sound_that_is_gone_is_told(two: Separation, tmp_path: Path) -> None:
    talk = conversation(4.0, speakers=2, seed=1)
    broken = known_separation(talk, tmp_path / "out")
    broken.tracks[0].file.write_bytes(b"fLaC")
    report = told(speaksep_dashboards.report(broken).html())
    assert "The sound cannot be read" in report.text
    assert report.sounds == {}


def test_a_diagnosis_alone(two: Separation, tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_text(json.dumps(two.diagnosis.to_dict()))
    report = told(speaksep_dashboards.report(tmp_path / "talk.json").html())
    assert report.headings == [f"{AWKWARD}.wav", "What was found", "Who spoke how much", "All measurements"]


def test_a_pdf_has_pages_with_words_and_figures(two: Separation) -> None:
    pdf = speaksep_dashboards.report(two).pdf()
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= 2
    assert b"/FontFile2" in pdf  # letters that can be searched


def spoil(name: str) -> Callable[[Path], object]:
    """How a result is made unreadable."""
    spoilers: dict[str, Callable[[Path], object]] = {
        "no-manifest": lambda place: (place / "manifest.json").unlink(),
        "bad-manifest": lambda place: (place / "manifest.json").write_text('{"schema_version": 2'),
        "other-version": lambda place: (place / "manifest.json").write_text('{"schema_version": 99, "files": {}}'),
        "store-damaged": lambda place: (place / "turns.rttm").write_text("nothing"),
    }
    return spoilers[name]


@pytest.mark.parametrize("fault", ["bad-manifest", "other-version", "store-damaged"])
def test_what_cannot_be_read_is_one_line(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known_separation(conversation(4.0, speakers=2), tmp_path / "out")
    spoil(fault)(tmp_path / "out")
    assert main(["report", str(tmp_path / "out"), "-o", str(tmp_path / "r.html"), "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["reason"] == fault
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nothing-here"], "no-result"),
        (["."], "no-result"),
        (["result", "-o", "r.docx"], "unknown-report-format"),
        (["result", "--compare"], "not-two"),
        (["result", "other", "--compare"], "other-recording"),
        (["result", "-o", "no/such/folder/r.html"], "store-failed"),
    ],
    ids=["gone", "no-result", "other-format", "one-to-compare", "other-recording", "no-folder"],
)
def test_wrong_words_are_one_line(
    words: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known_separation(conversation(4.0, speakers=2), tmp_path / "result")
    known_separation(conversation(4.0, speakers=2, seed=8), tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reason"] == reason


def test_the_command_writes_both_kinds(two: Separation, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending, start in ((".html", b"<!doctype html>"), (".PDF", b"%PDF-")):
        file = tmp_path / f"talk{ending}"
        assert main(["report", str(two.directory), "-o", str(file), "--title", "For you"]) == 0
        assert file.read_bytes().startswith(start)
        assert "For you" in capsys.readouterr().out


def test_several_are_a_collection_that_says_what_is_broken(two: Separation, tmp_path: Path) -> None:
    for name in ("bad-manifest", "other-version"):
        known_separation(conversation(4.0, speakers=2), tmp_path / name)
        spoil(name)(tmp_path / name)
    made = speaksep_dashboards.report(two, tmp_path / "bad-manifest", tmp_path / "other-version", tmp_path / "gone")
    report = told(made.html())
    assert made.numbers[:2] == (("1", "done"), ("3", "failed"))
    assert {row[0] for row in report.rows if row[-1] and "unreadable" in row} >= {"bad-manifest", "gone"}
    assert str(tmp_path) not in report.text
    assert len(report.sounds) == 3  # the two who talk over each other longest, and the recording
    assert made.pdf().startswith(b"%PDF-")


def test_two_takes_side_by_side(two: Separation, tmp_path: Path) -> None:
    other = known_separation(conversation(20.0, speakers=2, overlap=0.3, seed=3), tmp_path / "b", name="b.wav")
    made = speaksep_dashboards.report(two, other, compare=True)
    report = told(made.html())
    assert ("0.0%", "of the speech has other speakers") in made.numbers
    assert report.row("speaker_2")[2] == "100.0 dB"
    assert "Both say that the same people speak at the same times." in report.text
    assert any(name.startswith("speaker_2 by B") for name in report.sounds)


def test_nothing_is_a_report_that_says_so() -> None:
    with pytest.raises(InputError, match="of nothing"):
        speaksep_dashboards.report()
    assert "There are no recordings in it." in told(of_rows("Empty", []).html()).text


def test_thousands_are_shown_by_figures_and_the_first_few_hundred(two: Separation) -> None:
    rows = [
        {
            "name": f"r{number}.wav",
            "sound_s": 60.0,
            "speakers": 1 + number % 4,
            "overlap_ratio": number / 5000,
            "mos": 1 + number % 30 / 10,
            "severity": ("info", "warning")[number % 2],
            "findings": ["hum", "clipping"][: number % 3],
            "made_at": 1.7e9 + 86400 * (number % 30),
        }
        for number in range(5000)
    ]
    report = told(of_rows("Many", rows).html())
    assert len(report.pictures) == 6
    assert len(report.rows) < 700
    assert sum(map(len, report.pictures.values())) < 500_000
    assert report.rows[1][0] == "r4997.wav"  # of those with most findings, who talk over each other most


def test_a_long_meeting_is_a_small_picture() -> None:
    wave = np.zeros((COLUMNS, 2), np.float32)
    turns = tuple(Turn(3.0 * number, 3.0 * number + 2.9, 1) for number in range(5000))
    drawn = svg(WhoSpokeWhen("Lanes", "Five hours", 15000.0, (Lane("speaker 1", wave, turns, 0),)))
    assert len(drawn) < 100_000


def test_names_in_notebooks_show_the_report_in_a_frame_where_nothing_runs(two: Separation) -> None:
    shown = speaksep_dashboards.report(two, sound=False)._repr_html_()
    assert re.match(r'<iframe title="[^"]*" srcdoc="[^"]*" sandbox style="[^"]*"></iframe>$', shown)


def test_importing_reports_loads_nothing_heavy() -> None:
    code = (
        "import sys, speaksep_dashboards.reports.command, speaksep_dashboards.reports.values\n"
        "print([name for name in ('matplotlib', 'torch', 'scipy', 'anywidget', 'bokeh') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
