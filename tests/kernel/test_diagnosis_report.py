"""The values: JSON and back, and the card in a notebook."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from speaksep_kernel.diagnosis import Diagnosis, Facts, Finding
from speaksep_kernel.diagnosis.advice import Advice, sentence
from speaksep_kernel.diagnosis.report import by_severity
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.voices.turns import Turn

EVIL = '<script>alert("x")</script>&.wav'


def make(*findings: Finding, name: str = "meeting.wav", seconds: float = 60.0) -> Diagnosis:
    return Diagnosis(
        recording=Facts(name, "00", seconds, 44100, 2, "WAV", "PCM_16", 16, "mean", (0.5, 0.5), "Mean."),
        findings=by_severity(findings),
        speakers=2,
        speaker_confidence=0.8,
        speech_ratio=0.9,
        overlap_ratio=0.25,
        overlap_spans=((1.0, 2.5), (4.0, 4.5)),
        turns=(Turn(0.0, 2.5, 1, 0.9, True), Turn(1.0, 3.0, 2)),
    )


NOISY = Finding("snr", 8.0, "dB", "warning", "Noisy.", ((1.0, 2.0),), Advice.CLEAN_DENOISE)
FINE = Finding("dc", 0.0, "FS", "info", "Fine.", subject="channel 1")
STRANGE = Finding("other", None, "", "notice", EVIL, advice="open the window")


def test_json_and_back() -> None:
    diagnosis = make(NOISY, FINE, STRANGE)
    assert Diagnosis.from_dict(json.loads(json.dumps(diagnosis.to_dict()))) == diagnosis


def test_worst_first() -> None:
    assert [finding.severity for finding in make(FINE, STRANGE, NOISY).findings] == ["warning", "notice", "info"]


def test_looking_up() -> None:
    diagnosis = make(NOISY, FINE, STRANGE)
    assert (diagnosis.value("snr"), diagnosis.value("nothing")) == (8.0, None)
    assert diagnosis.warnings == (NOISY,)
    assert diagnosis.advice == ("clean:denoise", "open the window")


def test_unknown_severity() -> None:
    with pytest.raises(ValueError, match="'bad' is none of info"):
        Finding("snr", 1.0, "dB", "bad", "")  # type: ignore[arg-type]


def test_every_step_has_a_sentence() -> None:
    assert [step for step in Advice if step and not step.sentence.endswith(".")] == []
    assert sentence("open the window") == "open the window"


class Reader(HTMLParser):
    """Collects tags and text, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("findings", [(), (NOISY,), (NOISY, FINE, STRANGE)], ids=["none", "one", "three"])
def test_the_card_is_whole_escaped_html(findings: tuple[Finding, ...]) -> None:
    reader = Reader()
    reader.feed(make(*findings, name=EVIL)._repr_html_())
    assert reader.open == []
    assert "script" not in reader.tags
    assert EVIL in reader.text
    assert all(finding.why in reader.text for finding in findings)


def test_the_card_of_a_good_recording_says_so() -> None:
    assert "Nothing needs attention." in make(FINE)._repr_html_()


def test_the_card_needs_nothing_from_elsewhere() -> None:
    html = make(NOISY, STRANGE)._repr_html_()
    assert [part for part in ("http", "url(", "<style", "class=") if part in html] == []


@pytest.mark.parametrize(
    ("mask", "join_s", "spans"),
    [
        ([0, 0], 0, ()),
        ([1, 1, 0, 1], 0, ((0, 1.0), (1.5, 2.0))),
        ([1, 1, 0, 1], 0.5, ((0, 2.0),)),
    ],
)
def test_spans_of_a_mask(mask: list[int], join_s: float, spans: tuple[tuple[float, float], ...]) -> None:
    import numpy as np

    assert mask_spans(np.array(mask, bool), 0.5, join_s) == spans
