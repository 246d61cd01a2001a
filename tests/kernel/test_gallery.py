"""The gallery of plugins: measured separators, all kinds, what does not work named."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from speaksep_kernel import plugins
from speaksep_kernel.cli import main
from speaksep_kernel.testing import gallery
from tests.kernel.toy_plugins import InstallToy, separator

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def test_separator_that_changes_nothing_gains_nothing(install_toy: InstallToy) -> None:
    install_toy(separator())
    found = gallery.measure("toy")
    two, three, conversation = found.gains_db
    assert (two, conversation) == (pytest.approx(0, abs=0.3), pytest.approx(0, abs=0.3))
    assert math.isnan(three)  # it says that it tells two apart
    assert (found.why, found.real_time_factor > 0, found.peak_bytes > 20e6) == ("", True, True)


def test_page_has_every_plugin_and_why_one_has_no_figures(
    install_toy: InstallToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_toy(separator("os.abort()  # <b>"))
    monkeypatch.setattr(gallery, "measure_all", lambda: {name: gallery.measure(name) for name in ("file", "toy")})
    assert main(["plugins", "list", "--html", str(tmp_path / "gallery.html")]) == 0
    assert "gallery.html" in capsys.readouterr().out
    text = (tmp_path / "gallery.html").read_text()
    assert {f"<td>{row['name']}</td>" for row in plugins.describe()} <= set(re.findall(r"<td>[^<]*</td>", text))
    assert "separator &#x27;toy&#x27; ended its process (SIGABRT)" in text
    assert "separator &#x27;file&#x27; got no file" in text
    assert re.findall(r"(?:src|href)=|<script|https?://", text) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["nowhere/gallery.html"], "directory-not-found"), (["g.html", "--group", "separator"], "unused-options")],
    ids=["no-folder", "one-kind"],
)
def test_mistakes_are_told_before_anything_is_measured(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "measure_all", lambda: pytest.fail("measured"))
    assert main(["plugins", "list", "--json", "--html", *words]) == 2
    assert f'"reason": "{reason}"' in capsys.readouterr().out


def test_guide_has_the_figures_of_the_version_that_ships() -> None:
    row = next(row for row in plugins.describe("separator") if row["name"] == "speaksep")
    (line,) = [line for line in DOCS.read_text().splitlines() if line.startswith("| speaksep |")]
    assert line.split(" | ")[1] == row["version"]
    assert f"| {' | '.join(gallery.HEAD)} |" in DOCS.read_text()
