"""What each kind of correction makes of who speaks when; no audio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from typer.main import get_command

from speaksep_kernel.cli.app import app
from speaksep_kernel.errors import InputError
from speaksep_kernel.results import edits
from speaksep_kernel.results.edits import EditLog, edit_of
from speaksep_kernel.results.replay import replay
from speaksep_kernel.separation.tables import empty_table
from speaksep_kernel.voices.streams import Streams

SPOKEN = {1: [(0, 4), (10, 14)], 2: [(5, 9), (12, 16)], 3: [(17, 19)]}
"""Who speaks when in twenty seconds."""


def table(spoken=SPOKEN, seconds=20):
    activity = np.zeros((seconds * 50, len(spoken)), np.uint8)
    for speaker, spans in spoken.items():
        for start_s, end_s in spans:
            activity[round(start_s * 50) : round(end_s * 50), speaker - 1] = 255
    return replace(empty_table(400, 3), activity=activity)


def spoken(*edits, names=None, streams=None, base=None):
    """Speaker -> spans after some edits, given as JSON."""
    state = replay([edit_of(each) for each in edits], table() if base is None else base, streams, names)
    found = {number: [] for number in state.speakers}
    for turn in state.turns():
        found[turn.speaker].append((turn.start_s, turn.end_s))
    return found


def refused(*edits, reason, **more):
    with pytest.raises(InputError) as caught:
        spoken(*edits, **more)
    assert caught.value.reason == reason
    assert caught.value.hint
    return str(caught.value)


def test_without_edits_everybody_speaks_as_found():
    assert spoken() == SPOKEN


def test_merged_speakers_speak_whenever_either_does_and_the_others_keep_their_numbers():
    assert spoken({"op": "merge", "speakers": [1, 2], "into": 1}) == {1: [(0, 4), (5, 9), (10, 16)], 3: SPOKEN[3]}


def test_from_a_split_on_a_new_number_speaks():
    assert spoken({"op": "split", "speaker": 2, "at_s": 10}) == {**SPOKEN, 2: [(5, 9)], 4: [(12, 16)]}


def test_numbers_are_never_given_twice():
    edits = [
        {"op": "split", "speaker": 2, "at_s": 10},
        {"op": "merge", "speakers": [4], "into": 2},
        {"op": "split", "speaker": 2, "at_s": 10},
    ]
    assert spoken(*edits) == {**SPOKEN, 2: [(5, 9)], 5: [(12, 16)]}


@pytest.mark.parametrize(
    ("speaker", "to", "expected"),
    [
        (2, 3, {**SPOKEN, 2: [(5, 9), (12, 13), (15, 16)], 3: [(13, 15), (17, 19)]}),
        (2, "new", {**SPOKEN, 2: [(5, 9), (12, 13), (15, 16)], 4: [(13, 15)]}),
        (None, 3, {1: [(0, 4), (10, 13)], 2: [(5, 9), (12, 13), (15, 16)], 3: [(13, 15), (17, 19)]}),
    ],
    ids=["to-another", "to-somebody-new", "from-everybody"],
)
def test_a_span_is_somebody_elses(speaker, to, expected):
    assert spoken({"op": "reassign", "start_s": 13, "end_s": 15, "speaker": speaker, "to": to}) == expected


def test_a_speaker_left_without_a_word_is_gone():
    assert spoken({"op": "noise", "start_s": 16.5, "end_s": 20}) == {1: SPOKEN[1], 2: SPOKEN[2]}


@pytest.mark.parametrize(
    ("edge", "at_s", "to_s", "expected"),
    [
        ("end", 4.2, 4.5, [(0, 4.5), (10, 14)]),
        ("end", 13.5, 13.1, [(0, 4), (10, 13.1)]),
        ("start", 9.7, 9.2, [(0, 4), (9.2, 14)]),
        ("start", 0, 1, [(1, 4), (10, 14)]),
        ("start", 10, 3, [(0, 14)]),
    ],
    ids=["end-later", "end-earlier", "start-earlier", "start-later", "into-the-turn-before"],
)
def test_the_nearest_edge_moves(edge, at_s, to_s, expected):
    edit = {"op": "boundary", "speaker": 1, "edge": edge, "at_s": at_s, "to_s": to_s}
    assert spoken(edit) == {**SPOKEN, 1: expected}


def test_a_turn_grows_into_speech_that_was_another_speakers():
    split = {"op": "split", "speaker": 1, "at_s": 12}
    longer = {"op": "boundary", "speaker": 1, "edge": "end", "at_s": 12, "to_s": 13}
    assert spoken(split, longer) == {**SPOKEN, 1: [(0, 4), (10, 13)], 4: [(12, 14)]}


def test_labels_from_elsewhere_take_the_numbers_of_who_they_overlap_with():
    turns = [[0, 3.9, "Ben"], [5, 9, "Ada"], [10, 14, "Ben"], [12, 16, "Ada"], [19.2, 20.05, "Cy"]]
    state = replay([edit_of({"op": "turns", "turns": turns})], table())
    assert spoken({"op": "turns", "turns": turns}) == {1: [(0, 3.9), (10, 14)], 2: SPOKEN[2], 4: [(19.2, 20)]}
    assert (state.names, state.renamed) == ({1: "Ben", 2: "Ada", 4: "Cy"}, {1, 2, 4})


def test_numbered_labels_are_no_names():
    turns = [[start, end, f"speaker_{number}"] for number, spans in SPOKEN.items() for start, end in spans]
    state = replay([edit_of({"op": "turns", "turns": turns})], table())
    assert spoken({"op": "turns", "turns": turns}) == SPOKEN
    assert not any(state.names.values())


def test_what_was_heard_goes_to_who_is_said_to_have_spoken():
    state = replay([edit_of({"op": "turns", "turns": [[5, 9, "A"], [12, 16, "B"], [12.5, 13.5, "A"]]})], table())
    assert state.speakers == (2, 1)[::-1] or state.speakers == (1, 2)
    lane = state.route[640, :2].tolist()
    assert sorted(lane) == [1, 2]


def voices(spans, seconds=20, dim=8, seed=3):
    """Streams of one speaker, in windows of two seconds, whose voice differs between spans."""
    rng = np.random.default_rng(seed)
    starts = np.arange(0, seconds * 50, 100)
    vectors = np.eye(dim)[[next(k for k, (a, b) in enumerate(spans) if a <= s / 50 < b) for s in starts]]
    vectors = vectors + rng.normal(0, 0.15, vectors.shape)
    return Streams(
        window_start=starts.astype(np.int64),
        window_frames=100,
        window=np.arange(len(starts), dtype=np.int32),
        activity=np.full((len(starts), 100), 255, np.uint8),
        embedding=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        weight_s=np.full(len(starts), 2, np.float32),
        label=np.zeros(len(starts), np.int32),
        confidence=np.ones(len(starts), np.float32),
    )


def test_one_speaker_with_two_voices_is_split_where_the_voice_changes():
    streams = voices([(0, 6), (6, 14), (14, 99)])
    base = table({1: [(0, 20)]})
    assert spoken({"op": "split", "speaker": 1, "parts": 3}, base=base, streams=streams) == {
        1: [(0, 6)],
        2: [(6, 14)],
        3: [(14, 20)],
    }


def test_voices_of_a_part_are_split_again_within_it():
    streams = voices([(0, 6), (6, 14), (14, 99)])
    cut = {"op": "split", "speaker": 1, "at_s": 6}
    again = {"op": "split", "speaker": 2, "parts": 2}
    assert spoken(cut, again, base=table({1: [(0, 20)]}), streams=streams) == {1: [(0, 6)], 2: [(6, 14)], 3: [(14, 20)]}


def test_a_name_goes_where_its_speaker_goes_and_identified_names_are_replaced():
    names = {1: "Ada", 3: "Cy"}
    state = replay([edit_of({"op": "rename", "speaker": 1, "name": " Eve "})], table(), None, names)
    assert (state.names, state.renamed) == ({1: "Eve", 3: "Cy"}, {1})
    state = replay([edit_of({"op": "merge", "speakers": [3], "into": 2})], table(), None, names)
    assert (state.names, state.renamed) == ({1: "Ada", 2: "Cy"}, frozenset())


SPLIT = {"op": "split", "speaker": 2, "at_s": 10}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"op": "merge", "speakers": [1, 9], "into": 1}, "unknown-speaker"),
        ({"op": "merge", "speakers": [1], "into": 1}, "nothing-there"),
        ({"op": "split", "speaker": 1, "at_s": 99}, "past-the-end"),
        ({"op": "split", "speaker": 1, "at_s": 15}, "nothing-there"),
        ({"op": "split", "speaker": 1, "parts": 2}, "no-streams"),
        ({"op": "rename", "speaker": 9, "name": "Ada"}, "unknown-speaker"),
        ({"op": "reassign", "start_s": 13, "end_s": 21, "to": 1}, "past-the-end"),
        ({"op": "reassign", "start_s": 17, "end_s": 18, "speaker": 1, "to": 2}, "nothing-there"),
        ({"op": "reassign", "start_s": 17, "end_s": 18, "to": 3}, "nothing-there"),
        ({"op": "noise", "start_s": 4.5, "end_s": 4.8}, "nothing-there"),
        ({"op": "boundary", "speaker": 3, "edge": "end", "at_s": 2, "to_s": 3}, "no-boundary"),
        ({"op": "boundary", "speaker": 3, "edge": "end", "at_s": 19, "to_s": 17}, "no-boundary"),
        ({"op": "turns", "turns": [[1, 30, "A"]]}, "past-the-end"),
    ],
    ids=lambda value: value["op"] if isinstance(value, dict) else value,
)
def test_what_makes_no_sense_is_refused_with_its_place_in_the_log(edit, reason):
    assert refused(SPLIT, edit, reason=reason).startswith(f"edit 2 ({edit['op']}): ")


def test_a_name_that_somebody_has_is_refused():
    assert "merge 1 and 2" in refused(
        {"op": "rename", "speaker": 2, "name": "Ada"}, names={1: "Ada"}, reason="name-taken"
    )


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"op": "swap"}, "swap"),
        ({"op": "merge", "speakers": [], "into": 1}, "speakers"),
        ({"op": "merge", "speakers": [0], "into": 1}, "greater than or equal to 1"),
        ({"op": "split", "speaker": 1}, "at_s or parts"),
        ({"op": "noise", "start_s": 3, "end_s": 2}, "ends at 2 s"),
        ({"op": "noise", "start_s": -1, "end_s": 2}, "start_s"),
        ({"op": "noise", "start_s": 1, "end_s": float("nan")}, "end_s"),
        ({"op": "rename", "speaker": 1, "name": " "}, "is no name"),
        ({"op": "turns", "turns": [[2, 1, "A"]]}, "ends at 1 s"),
        ({"op": "merge", "speakers": [1], "into": 2, "colour": "red"}, "colour"),
    ],
    ids=str,
)
def test_what_is_no_edit_is_refused(edit, said):
    with pytest.raises(InputError, match=said) as caught:
        edit_of(edit)
    assert caught.value.reason == "bad-edit"


def test_a_log_is_undone_and_redone_and_comes_back_from_its_file(tmp_path):
    log = EditLog(input_sha256="a", table_sha256="b").append(edit_of(SPLIT))
    log = log.append(edit_of({"op": "rename", "speaker": 4, "name": "Zoë"}))
    assert [edit.op for edit in log.undo().active] == ["split"]
    assert log.undo(2).redo(2) == log
    assert log.undo().append(edit_of(SPLIT)).edits == (edit_of(SPLIT), edit_of(SPLIT))
    log.undo().save(tmp_path / "edits.json")
    assert EditLog.load(tmp_path / "edits.json") == log.undo()
    for call, reason in ((log.redo, "nothing-to-redo"), (log.undo(2).undo, "nothing-to-undo")):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"input_sha256": "a"}', '{"input_sha256": "a", "table_sha256": "b", "position": 1}'],
    ids=["empty", "cut", "list", "incomplete", "position"],
)
def test_a_damaged_log_is_refused(tmp_path, text):
    (tmp_path / "edits.json").write_text(text)
    with pytest.raises(InputError) as caught:
        EditLog.load(tmp_path / "edits.json")
    assert caught.value.reason == "bad-edit-log"


def test_the_page_names_every_edit_every_field_and_every_command():
    page = (Path(__file__).parents[2] / "docs" / "edits.md").read_text()
    models = get_args(get_args(edits.Edit)[0])
    words = {f"`{name}`" for model in models for name in (model.model_fields["op"].default, *model.model_fields)}
    words |= {f"`{model.__name__}`" for model in models} | {f"`{name}`" for name in EditLog.model_fields}
    words |= set(get_command(app).commands["edit"].commands)
    assert {word for word in words - {"`op`"} if word not in page} == set()
