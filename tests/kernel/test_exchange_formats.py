"""What `speaksep export` writes, read by the tools it is written for (or libraries that speak for them)."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile

import numpy as np
import pandas as pd
import parselmouth
import pympi
import pytest
import soundfile as sf
import webvtt
from parselmouth.praat import call
from pyannote.database.util import load_rttm
from rocrate.rocrate import ROCrate

from speaksep_kernel import export
from speaksep_kernel.plugins import available, create
from speaksep_kernel.results.handover import Handover
from speaksep_kernel.testing import conversation, known_separation

NAMES = {1: 'Zoë "Z"  O\'Neil', 2: "李 <&> 雷"}
SAID = {1: 'Zoë "Z" O\'Neil', 2: "李 <&> 雷", 3: "speaker_3"}
"""White space in names is single everywhere."""


@pytest.fixture(scope="module")
def talk():
    return conversation(30.0123, speakers=3, overlap=0.4, seed=1)


@pytest.fixture(scope="module")
def separation(talk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    return known_separation(talk, folder / "out", name="my talk.wav", names=NAMES)


@pytest.fixture(scope="module")
def turns(separation):
    """What is handed over: the turns up to the recording's end."""
    found = Handover.of(separation).turns
    ends_s = [max(turn.end_s for turn in each) for each in (found, separation.turns)]
    assert ends_s[0] == separation.manifest.input.seconds < ends_s[1]
    return found


@pytest.fixture(scope="module")
def files(separation, tmp_path_factory):
    """Every format's file, by its name."""
    formats = sorted(available("speaksep.formats"))
    return dict(zip(formats, export(separation, formats, tmp_path_factory.mktemp("files")), strict=True))


def rows(turns):
    return [(turn.start_s, turn.end_s, SAID[turn.speaker]) for turn in turns]


def test_praat_opens_the_textgrid(files, separation, turns):
    grid = parselmouth.read(str(files["textgrid"]))
    tiers = range(1, call(grid, "Get number of tiers") + 1)
    assert [call(grid, "Get tier name", tier) for tier in tiers] == list(SAID.values())
    assert call(grid, "Get end time") == pytest.approx(separation.manifest.input.seconds, abs=1e-6)
    found = [
        (call(grid, "Get start time of interval", t, k), call(grid, "Get end time of interval", t, k), text)
        for t in tiers
        for k in range(1, call(grid, "Get number of intervals", t) + 1)
        for text in [call(grid, "Get label of interval", t, k)]
        if text
    ]
    assert np.array_equal([row[2] for row in sorted(found)], [row[2] for row in rows(turns)])
    assert np.allclose([row[:2] for row in sorted(found)], [row[:2] for row in rows(turns)], atol=1e-6)


def test_praat_opens_the_textgrid_of_a_silent_recording(tmp_path):
    silent = known_separation(conversation(3, speakers=0), tmp_path / "out")
    (path,) = export(silent, "textgrid", tmp_path)
    assert call(parselmouth.read(str(path)), "Get number of tiers") == 1


def test_elan_files_have_a_tier_per_speaker_and_one_of_overlaps(files, separation, turns):
    eaf = pympi.Elan.Eaf(str(files["eaf"]))
    assert list(eaf.get_tier_names()) == [*SAID.values(), "overlap"]
    for speaker, name in SAID.items():
        mine = [turn for turn in turns if turn.speaker == speaker]
        expected = [(round(1000 * turn.start_s), round(1000 * turn.end_s), name) for turn in mine]
        assert sorted(eaf.get_annotation_data_for_tier(name)) == expected
    assert len(eaf.get_annotation_data_for_tier("overlap")) == len(separation.overlap_map()) > 0
    assert eaf.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./my%20talk.wav"


def test_captions_name_the_voice(files, turns):
    cues = list(webvtt.read(str(files["webvtt"])))
    assert len(cues) == len(turns)
    first = turns[0]
    assert (cues[0].start_in_seconds, cues[0].start_time.milliseconds) == divmod(round(first.start_s * 1000), 1000)
    assert cues[0].raw_text == '<v Zoë "Z" O\'Neil>Zoë "Z" O\'Neil</v>'
    assert {cue.raw_text for cue in cues} >= {"<v 李 &lt;&amp;&gt; 雷>李 &lt;&amp;&gt; 雷</v>"}


def test_scorers_read_the_rttm(files, turns):
    (annotation,) = load_rttm(str(files["rttm"])).values()
    assert sorted(annotation.labels()) == sorted(name.replace(" ", "_") for name in SAID.values())
    assert len(list(annotation.itertracks())) == len(turns)


def test_audacity_labels_are_three_columns(files, turns):
    table = pd.read_csv(files["audacity"], sep="\t", header=None, quoting=csv.QUOTE_NONE)
    assert list(table.itertuples(index=False, name=None)) == [
        (float(f"{start_s:.6f}"), float(f"{end_s:.6f}"), name) for start_s, end_s, name in rows(turns)
    ]


@pytest.mark.parametrize(("name", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_tables_hold_the_turns_with_their_types(files, turns, name, read):
    table = read(files[name])
    assert list(table[["start_s", "end_s", "name"]].itertuples(index=False, name=None)) == rows(turns)
    assert [turn.overlapped for turn in turns] == list(table["overlapped"])
    assert table["speaker"].dtype.kind == "i"
    assert table["confidence"].dtype.kind == "f"


def test_seglst_has_the_keys_of_its_scorers(files, turns):
    segments = json.loads(files["seglst"].read_text(encoding="utf-8"))
    assert {"session_id", "speaker", "start_time", "end_time", "words"} <= set(segments[0])
    assert {segment["session_id"] for segment in segments} == {"my talk"}
    assert [(s["start_time"], s["end_time"], s["speaker"]) for s in segments] == rows(turns)


def test_overlaps_say_who_with_whom(files, separation):
    table = pd.read_csv(files["overlaps"])
    assert table["end_s"].sub(table["start_s"]).sum() == pytest.approx(
        sum(overlap.seconds for overlap in separation.overlap_map())
    )
    assert set(" + ".join(table["names"]).split(" + ")) == set(SAID.values())


def test_the_channels_of_the_multichannel_wav_are_the_recording(files, talk):
    channels, rate_hz = sf.read(files["multichannel"], dtype="int16")
    assert (channels.shape, rate_hz) == ((len(talk.audio), 4), talk.rate_hz)
    assert np.array_equal(channels.astype(int).sum(axis=1), np.rint(talk.audio * 2**15))
    assert np.array_equal(channels[:, 1], np.rint(talk.references[1] * 2**15))


def test_stems_are_the_tracks_under_their_names(files, separation):
    with zipfile.ZipFile(files["stems"]) as stems:
        assert stems.testzip() is None
        assert stems.namelist() == [
            "speaker_1 Zoë Z O'Neil.flac",
            "speaker_2 李 & 雷.flac",
            "speaker_3.flac",
            "residual.flac",
        ]
        assert stems.read("speaker_3.flac") == separation.tracks[2].file.read_bytes()


def test_the_crate_says_what_was_made_from_what_by_what(files, separation):
    crate = ROCrate(str(files["rocrate"]))
    (action,) = crate.get_by_type("CreateAction")
    assert action["object"]["identifier"] == f"sha256:{separation.manifest.input.sha256}"
    assert [tool["name"] for tool in action["instrument"]] == ["SpeakSep", "known"]
    assert sorted(entity.id for entity in action["result"]) == sorted(entity.id for entity in crate.data_entities)
    assert {"speaker_1.flac", "residual.flac", "turns.rttm", "manifest.json"} <= {e.id for e in crate.data_entities}
    # What RO-Crate 1.1 asks of every root, and of the crates it is to be found by.
    assert all(crate.root_dataset[key] for key in ("name", "description", "datePublished", "license", "conformsTo"))


def test_the_crate_is_whole_and_every_link_leads_somewhere(files):
    with zipfile.ZipFile(files["rocrate"]) as crate:
        graph = {e["@id"]: e for e in json.loads(crate.read("ro-crate-metadata.json"))["@graph"]}
        entities = [entity for entity in graph.values() if entity["@type"] == "File"]
        assert sorted(crate.namelist()) == sorted(["ro-crate-metadata.json", *(e["@id"] for e in entities)])
        for entity in entities:
            content = crate.read(entity["@id"])
            assert entity["sha256"] == hashlib.sha256(content).hexdigest()
            assert entity["contentSize"] == str(len(content))
    links = [value for entity in graph.values() for value in entity.values() if isinstance(value, (dict, list))]
    flat = [link["@id"] for value in links for link in ([value] if isinstance(value, dict) else value)]
    assert set(flat) - set(graph) == {"https://w3id.org/ro/crate/1.1"}


def test_the_crate_names_a_licence_if_told_one(separation, tmp_path):
    licence = "https://creativecommons.org/licenses/by/4.0/"
    create("format", "rocrate", licence=licence).write(Handover.of(separation), tmp_path / "crate.zip")
    assert ROCrate(str(tmp_path / "crate.zip")).root_dataset["license"].id == licence


def test_exclusive_labels_are_one_speaker_at_a_time(separation, tmp_path):
    (path,) = export(separation, "csv", tmp_path, exclusive=True)
    table = pd.read_csv(path)
    assert (table["start_s"].to_numpy()[1:] >= table["end_s"].to_numpy()[:-1]).all()
    assert not table["overlapped"].any()


def test_two_of_one_name_stay_two(talk, tmp_path):
    twins = known_separation(talk, tmp_path / "out", names={1: "Ada", 2: "ada", 3: "speaker_2"})
    assert list(Handover.of(twins).names.values()) == ["Ada (speaker_1)", "ada (speaker_2)", "speaker_2"]
