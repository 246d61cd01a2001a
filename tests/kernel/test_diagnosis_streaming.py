"""One pass, any blocks, little memory."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from speaksep_kernel.diagnosis import Context, Diagnoser, Finding, diagnose_recording
from speaksep_kernel.diagnosis.run import installed, recording_facts
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording import AnalysisCache, Recording, choose_mixdown
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.damage import clip, drop
from speaksep_kernel.voices.turns import Turn


@pytest.fixture(scope="module")
def broken() -> tuple[np.ndarray, tuple[Turn, ...]]:
    """Stereo with something for every diagnoser to find."""
    talk = conversation(12, 2, 0.2, rate_hz=22050, seed=6)
    clipped, _ = clip(drop(talk.audio, 22050, [3.0, 3.5, 6.2], 0.05), 0.01)
    return np.stack([clipped, 0.5 * np.roll(clipped, 30)], axis=1) + np.float32(0.01), talk.turns


def findings(cls: type[Diagnoser], audio: np.ndarray, turns: tuple[Turn, ...], block: int) -> list[Any]:
    recording = Recording.open((audio, 22050))
    mixdown = choose_mixdown(recording)
    facts = recording_facts(recording, mixdown)
    diagnoser = cls()
    diagnoser.start(facts)
    for first in range(0, len(audio), block):
        diagnoser.feed(audio[first : first + block], first / 22050)
    return diagnoser.finish(Context(facts, turns, 2, 0.9, 0, mixdown.relations))


@pytest.mark.parametrize("cls", installed(), ids=lambda cls: cls.info.name)
@pytest.mark.parametrize("block", [997, 22050])
def test_findings_do_not_depend_on_the_blocks(
    cls: type[Diagnoser], broken: tuple[np.ndarray, tuple[Turn, ...]], block: int
) -> None:
    assert findings(cls, *broken, block) == findings(cls, *broken, len(broken[0]))


@pytest.mark.parametrize("cls", installed(), ids=lambda cls: cls.info.name)
def test_findings_are_plain_json(cls: type[Diagnoser], broken: tuple[np.ndarray, tuple[Turn, ...]]) -> None:
    found = findings(cls, *broken, len(broken[0]))
    assert [Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) for finding in found] == found


def test_every_diagnoser_meets_the_protocol() -> None:
    assert len(installed()) >= 11
    assert all(isinstance(cls(), Diagnoser) and isinstance(cls.info, PluginInfo) for cls in installed())


def test_memory_stays_small() -> None:
    block = conversation(10, 2, rate_hz=44100).audio[:, None] * np.ones(2, np.float32)
    recording = Recording.open((block, 44100))
    facts = replace(recording_facts(recording, choose_mixdown(recording)), seconds=130.0)
    panel = [cls() for cls in installed()]
    for diagnoser in panel:
        diagnoser.start(facts)
        diagnoser.feed(block, 0.0)
    tracemalloc.start()
    for k in range(1, 13):
        for diagnoser in panel:
            diagnoser.feed(block, 10.0 * k)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4e6  # two minutes: mostly unfinished frames, and nine seconds to be rated


class Faulty(Diagnoser):
    """A stranger's plugin."""

    info = PluginInfo(name="faulty", version="1", summary="Fails")

    def feed(self, block: np.ndarray, start_s: float) -> None:
        raise ValueError("no")


def test_a_faulty_plugin_costs_only_its_own_findings() -> None:
    talk = conversation(5, 1)
    heard: Any = type("Heard", (), {"turns": talk.turns, "speakers": 1, "confidence": 1.0, "phantoms": 0})
    with (
        AnalysisCache(Recording.open((talk.audio, 16000))) as cache,
        pytest.warns(RuntimeWarning, match="'faulty' failed: ValueError: no"),
    ):
        found = diagnose_recording(cache.recording, cache, heard, diagnosers=[Faulty, *installed()])
    assert found.value("speakers") == 1


def test_progress_ends_at_the_end() -> None:
    talk = conversation(25, 1)
    heard: Any = type("Heard", (), {"turns": talk.turns, "speakers": 1, "confidence": 1.0, "phantoms": 0})
    calls: list[tuple[str, float, float | None]] = []
    with AnalysisCache(Recording.open((talk.audio, 16000))) as cache:
        diagnose_recording(cache.recording, cache, heard, lambda *call: calls.append(call))
    assert calls == [("diagnose", at_s, 25.0) for at_s in (0.0, 10.0, 20.0, 25.0)]
