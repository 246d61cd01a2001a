"""The scripts and styles of the views, as the front, Voila and Panel get them."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.page import KINDS
from speaksep_kernel.errors import InputError

ROOMS = files("speaksep_dashboards")
DECLARED = re.compile(r"^(?:async )?(?:function|class|const|let)\*? +([A-Za-z_$][\w$]*)", re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_parts_of_a_view_declare_the_same_name(kind: str) -> None:
    names = DECLARED.findall(esm(kind))
    assert len(names) > 10
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_exports_one_thing_and_imports_nothing(kind: str) -> None:
    script = esm(kind)
    assert re.findall(r"^export .*$", script, re.MULTILINE) == ["export default { render };"]
    assert re.findall(r"^import .*$", script, re.MULTILINE) == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_a_view_makes_markup_or_code_of_text(kind: str) -> None:
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(.style"
    assert re.findall(words, esm(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_a_view_comes_from_a_network(kind: str) -> None:
    assert re.findall(r"https?://(?!www\.w3\.org)[^\s\"'`]+", esm(kind) + css(kind)) == []


@pytest.mark.parametrize("bundle", [esm, css])
def test_a_kind_that_is_none_is_refused(bundle: object) -> None:
    with pytest.raises(InputError) as refused:
        bundle("../secrets")  # type: ignore[operator]
    assert refused.value.reason == "unknown-view"


def test_every_shortcut_of_the_recording_view_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    shortcuts = re.findall(
        r"keys: \[([^\]]*)\], words: \"([^\"]*)\"", (ROOMS / "recording" / "tracks.js").read_text("utf-8")
    )
    assert len(shortcuts) > 4
    for keys, words in shortcuts:
        wanted = [f"`{key}`" for key in re.findall(r'"([^"]*)"', keys) if not (key.isupper() and key.isalpha())]
        assert f"| {' '.join(wanted)} | {words} |" in text
