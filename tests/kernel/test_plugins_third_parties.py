"""Packages of other people, installed with pip as they would be: they appear, separate, and are gone again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation
from tests.plugins.place import PACKAGES, Place, onnx, sepformer, target


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With everything that is wrapped; none of the three packages yet."""
    return Place.made(tmp_path_factory.mktemp("parties"))


# A SepFormer that nobody trained invents: what it makes does not add up to what it heard.
PARTIES = [
    ("sepformer", "sepformer", sepformer, {"level_is_kept"}),
    ("onnx", "onnx-network", onnx, set[str]()),
    ("target", "target", target, set[str]()),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("package", "name", "model", "unfit"), PARTIES, ids=[party[1] for party in PARTIES])
def test_third_party_comes_works_and_goes(
    place: Place, package: str, name: str, model: Callable[[Place], tuple[str, Path]], unfit: set[str]
) -> None:
    before = place.separators()
    source = shutil.copytree(PACKAGES / f"speaksep-{package}", place.root / f"speaksep-{package}")
    place.pip("install", "--no-deps", "--no-build-isolation", source)
    assert place.separators() == before | {name}

    option, file = model(place)
    checked = json.loads(place.speaksep("plugins", "check", name, "--option", f"{option}={file}", "--json", code=None))
    assert {each["name"]: each["detail"] for each in checked["checks"] if not each["ok"]}.keys() == unfit

    talk = conversation(seconds=6, speakers=2, overlap=0.8, seed=3)
    soundfile.write(place.root / "talk.wav", talk.audio, talk.rate_hz, subtype="FLOAT")
    out = place.root / f"tracks-{name}"
    use = ("--separator", name, "--separator-option", f"{option}={file}")
    told = json.loads(place.speaksep("separate", place.root / "talk.wav", "-o", out, *use, "--speakers", "2", "--json"))
    assert (told["model"]["separator"], told["model"]["used"], len(told["speakers"])) == (name, True, 2)
    parts = [soundfile.read(out / each, dtype="float32")[0] for each in ("speaker_1.flac", "speaker_2.flac")]
    residual = soundfile.read(out / "residual.flac", dtype="float32")[0]
    assert np.abs(sum(parts) + residual - talk.audio).max() < 10 ** (-90 / 20)

    place.pip("uninstall", "--yes", f"speaksep-{package}")
    assert place.separators() == before
    refused = place.speaksep("separate", place.root / "talk.wav", "-o", place.root / "never", *use, "--json", code=2)
    assert json.loads(refused)["reason"] == "unknown-separator"
    assert [track.label for track in Separation.open(out).tracks] == ["speaker_1", "speaker_2"]
    renamed = json.loads(place.speaksep("edit", out, "rename", "1", "Ann", "--json"))
    assert renamed["speakers"][0]["name"] == "Ann"
