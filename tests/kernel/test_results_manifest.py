"""What is no manifest, or one of another version, is told apart and refused."""

from __future__ import annotations

import json

import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.results import manifest
from speaksep_kernel.results.manifest import SCHEMA_VERSION, read_manifest


def refused(place, text):
    (place / "manifest.json").write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_manifest(place)
    return caught.value


@pytest.mark.parametrize(
    ("schema", "said"),
    [(1, "an earlier version"), (SCHEMA_VERSION + 1, "a later version")],
    ids=["earlier", "later"],
)
def test_results_of_other_versions_must_be_separated_again(tmp_path, schema, said):
    old = {"schema_version": schema, "input": {"name": "talk.flac"}, "files": {}, "edits": [{"2": 1}]}
    error = refused(tmp_path, json.dumps(old).encode())
    assert error.reason == "other-version"
    assert said in str(error)
    assert "separate the recording again" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"RIFF\xff\x00",
        b"null",
        b"[]",
        b"{}",
        b'{"schema_version": 1, "input_sha256": "00", "edits": [], "position": 0}',
        b'{"schema_version": "two", "files": {}}',
        f'{{"schema_version": {SCHEMA_VERSION}, "files": {{}}}}'.encode(),
    ],
    ids=["empty", "sound", "null", "list", "nothing in it", "an edit log", "no number", "half of it"],
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    assert refused(tmp_path, text).reason == "bad-manifest"


def test_a_place_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path)
    assert caught.value.reason == "no-manifest"


@pytest.mark.parametrize(("learned", "named"), [("TUNED", "segmentation"), ("TREES", "counting")])
def test_what_was_learned_anew_is_another_version(learned, named, tmp_path, monkeypatch):
    before = manifest.versions()
    (tmp_path / "other").write_bytes(b"learned anew")
    monkeypatch.setattr(manifest, learned, tmp_path / "other")
    assert {name for name, now in manifest.versions().items() if now != before[name]} == {named}
