"""docs/diagnosis.md leaves nothing out, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speaksep_kernel.diagnosis import diagnose_recording, thresholds
from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.run import installed
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import conversation

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "speaksep_kernel" / "diagnosis").glob("*.py"))
CODES = sorted({code for path in SOURCES for code in re.findall(r'\bFinding\(\s*"([a-z-]+)"', path.read_text("utf-8"))})


@pytest.mark.parametrize("name", [name for name in dir(thresholds) if name.isupper()])
def test_every_threshold_is_explained_with_its_value(name: str) -> None:
    assert f"| `{name}` | {getattr(thresholds, name):g} |" in PAGE


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(code: str) -> None:
    assert f"| `{code}` |" in PAGE


def test_codes_were_found() -> None:
    assert len(CODES) >= 17


@pytest.mark.parametrize("cls", installed(), ids=lambda cls: cls.info.name)
def test_every_diagnoser_is_named(cls: Any) -> None:
    assert f"| `{cls.info.name}` |" in PAGE


@pytest.mark.parametrize("step", [step for step in Advice if step])
def test_every_step_is_explained(step: Advice) -> None:
    assert f"| `{step}` | {step.sentence} |" in PAGE


def test_the_diagnoser_of_the_page_works() -> None:
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    talk = conversation(5, 1)
    heard: Any = SimpleNamespace(turns=talk.turns, speakers=1, confidence=1.0, phantoms=0)
    with AnalysisCache(Recording.open((talk.audio, 16000))) as cache:
        found = diagnose_recording(cache.recording, cache, heard, diagnosers=[names["Crest"]])
    assert 10 < float(found.value("crest") or 0) < 30
