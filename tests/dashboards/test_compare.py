"""Two takes of one recording: blind until a reader has voted, measured as by others."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_dashboards.compare import measuring
from speaksep_dashboards.compare.matching import differences, excerpts, matched
from speaksep_dashboards.compare.measuring import kept_at, measured
from speaksep_dashboards.compare.page import ComparePage
from speaksep_dashboards.compare.told import compared
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.values import Separation
from speaksep_kernel.testing import conversation, known_separation
from speaksep_kernel.testing.conversation import Conversation
from speaksep_kernel.training.measures import si_sdr_db
from speaksep_kernel.voices.turns import Turn
from tests.dashboards.stored_results import OWNER, StoredResults, desk_at, finished, request

TALK = conversation(24.0, speakers=2, overlap=0.4, seed=11)


def noisy(talk: Conversation) -> Conversation:
    """Tracks with some of everything else in them, the second speaker first."""
    others = talk.audio - talk.references
    swapped = tuple(replace(turn, speaker=3 - turn.speaker) for turn in talk.turns)
    references = (talk.references + 0.2 * others).astype(np.float32)[::-1]
    return replace(talk, references=references, turns=swapped)


@dataclass(frozen=True)
class Pair:
    """A desk with a perfect separation and a noisy one of the same recording."""

    desk: Desk
    perfect: Job
    noisy: Job
    other: Job

    def share(self, word: str = "d") -> Share:
        return Share(id=word * 32, owner=OWNER, kind="compare", what={"a": self.perfect.id, "b": self.noisy.id})

    def page(self, reader: str, word: str = "d") -> ComparePage:
        page = open_page(self.share(word), Reader(reader), self.desk)
        assert isinstance(page, ComparePage)
        return page


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    desk = desk_at(folder)
    source = {"source": "talk.wav"}
    other = conversation(5.0, speakers=2, seed=1)
    jobs = [
        finished(
            desk, "separate", lambda place, talk=talk: known_separation(talk, place / "tracks"), source, "talk.wav"
        )
        for talk in (TALK, noisy(TALK), other)
    ]
    yield Pair(desk, *jobs)
    desk.close()


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Scores are kept apart for each test."""
    monkeypatch.setenv("SPEAKSEP_DASHBOARDS", str(tmp_path))
    return tmp_path


def vote(page: ComparePage, item: str, choice: str, key: str) -> Any:
    return page.answer({"ask": "vote", "item": item, "choice": choice, "key": key}).content


def sound(page: ComparePage, item: str, lane: str, start_s: float = 0.0, stop_s: float = 2.0) -> Any:
    question = {"ask": "sound", "item": item, "lanes": [lane], "start_s": start_s, "stop_s": stop_s}
    return np.frombuffer(page.answer(question).buffers[0], "<i2")


def scores(page: ComparePage) -> dict[str, Any]:
    """Of a page on which all is told, once they are measured."""
    end_s = time.monotonic() + 240
    while (found := page.data()["result"])["scores"] is None:
        assert not found["scores_word"]
        assert time.monotonic() < end_s
        time.sleep(0.05)
    return dict(found["scores"])


def test_before_a_vote_nothing_tells_which_is_which(pair: Pair) -> None:
    page = pair.page("vera")
    data = page.data()
    assert not data["told"]
    told = json.dumps(data)
    for word in (pair.perfect.id, pair.noisy.id, "result", "known", "scores", '"x"', '"a"', "tally"):
        assert word not in told
    with pytest.raises(InputError) as error:
        _ = page.separations
    assert error.value.reason == "still-blind"
    with pytest.raises(InputError) as error:
        page.within(pair.perfect.id)
    assert error.value.reason == "still-blind"


def test_readers_hear_the_two_in_orders_of_their_own(pair: Pair) -> None:
    first = pair.page("reader 0").data()["items"]
    assert {item["speaker"] for item in first} == {"Speaker 1", "Speaker 2"}
    orders, letters = set(), set()
    for k in range(12):
        page = pair.page(f"reader {k}")
        orders.add(tuple(item["id"] for item in page.data()["items"]))
        letters.add(tuple(np.abs(sound(page, item["id"], "x")).sum() for item in first))
    assert len(orders) > 3
    assert len(letters) > 3
    again = [item["id"] for item in pair.page("reader 0").data()["items"]]
    assert again == [item["id"] for item in first]


def test_x_and_y_are_the_two_tracks_equally_loud(pair: Pair) -> None:
    page = pair.page("vera")
    item = page.data()["items"][0]
    both = np.stack([sound(page, item["id"], lane, 0.0, item["seconds"]) for lane in "xy"]).astype(float)
    levels = np.sqrt(np.square(both).mean(axis=1))
    assert levels[0] == pytest.approx(levels[1], rel=0.01)
    mixture = sound(page, item["id"], "mixture", 0.0, item["seconds"])
    start = round(item["start_s"] * TALK.rate_hz)
    expected = np.rint(TALK.audio[start : start + len(mixture)] * 32767)
    assert np.abs(mixture - expected).max() <= 2
    number = int(item["speaker"].split()[-1])
    reference = TALK.references[number - 1][start : start + len(mixture)]
    alike = sorted(abs(float(np.corrcoef(heard, reference)[0, 1])) for heard in both)
    assert alike[1] > 0.999 > alike[0]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"item": "9-9@0", "lanes": ["x"], "start_s": 0, "stop_s": 1}, "unknown-item"),
        ({"item": "", "lanes": ["speaker_1"], "start_s": 0, "stop_s": 1}, "bad-question"),
        ({"item": "", "lanes": [], "start_s": 0, "stop_s": 1}, "bad-question"),
        ({"item": "", "lanes": ["x"], "start_s": -1, "stop_s": 1}, "bad-question"),
    ],
    ids=["no such excerpt", "a track by its name", "nothing", "before it"],
)
def test_only_excerpts_are_heard(pair: Pair, question: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as error:
        pair.page("vera").answer({"ask": "sound", **question})
    assert error.value.reason == reason


def test_an_excerpt_ends_where_it_ends(pair: Pair) -> None:
    page = pair.page("vera")
    item = page.data()["items"][0]
    assert len(sound(page, item["id"], "x", 0.0, 29.0)) == round(item["seconds"] * TALK.rate_hz)
    with pytest.raises(InputError) as error:
        sound(page, item["id"], "x", item["seconds"] + 1, item["seconds"] + 2)
    assert error.value.reason == "bad-span"


def test_votes_count_once_and_may_change_until_all_is_told(pair: Pair) -> None:
    page = pair.page("vera", "1")
    items = [item["id"] for item in page.data()["items"]]
    for _ in range(2):
        vote(page, items[0], "x", "key 1")
    vote(page, items[1], "x", "key 2")
    vote(page, items[1], "y", "key 3")
    shown = {item["id"]: item["voted"] for item in page.data()["items"]}
    assert (shown[items[0]], shown[items[1]]) == ("x", "y")
    before = page.version()
    page.answer({"ask": "show", "key": "key 4"})
    assert page.version() != before
    data = page.data()
    assert data["told"]
    sides = {item["id"]: {item["x"], item["y"]} for item in data["items"]}
    assert all(both == {"a", "b"} for both in sides.values())
    mine = data["result"]["mine"]
    assert mine["a"] + mine["b"] == 2
    chosen = {item["id"]: item[item["voted"]] for item in data["items"] if item["voted"]}
    assert mine["a"] == list(chosen.values()).count("a")
    with pytest.raises(InputError) as error:
        vote(page, items[2], "same", "key 5")
    assert error.value.reason == "told"
    assert [each.data()["told"] for each in (pair.page("gus", "1"), pair.page("vera", "2"))] == [False, False]


def test_the_owner_sees_what_all_chose(pair: Pair) -> None:
    readers = [pair.page(f"reader {k}", "3") for k in range(6)]
    item = readers[0].data()["items"][0]["id"]
    for k, page in enumerate(readers):
        for letter in "xy":
            vote(page, item, letter, f"{k} {letter}")
            page_items = {each["id"]: each for each in page.data()["items"]}
            assert page_items[item]["voted"] == letter
        page.answer({"ask": "show", "key": f"{k}"})
        assert "tally" not in page.data()["result"]
    owner = pair.page(OWNER, "3")
    assert not owner.data()["told"]
    owner.answer({"ask": "show", "key": "o"})
    tally = owner.data()["result"]["tally"]
    told = [{each["id"]: each for each in page.data()["items"]}[item]["y"] for page in readers]
    assert tally["readers"] == 6
    assert tally["items"][item] == {"a": told.count("a"), "b": told.count("b"), "same": 0}
    assert tally["sum"] == tally["items"][item]


def test_whoever_has_only_the_link_hears_and_sees_but_does_not_vote(pair: Pair) -> None:
    page = pair.page("")
    data = page.data()
    assert (data["told"], data["can"]["vote"]) == (True, False)
    with pytest.raises(InputError) as error:
        vote(page, data["items"][0]["id"], "x", "k")
    assert error.value.reason == "not-allowed"


def test_scores_are_those_of_the_whole_tracks(pair: Pair) -> None:
    found = scores(pair.page(""))
    worse = noisy(TALK).references[::-1]
    for speaker, db in enumerate(found["between_db"]):
        assert db == pytest.approx(si_sdr_db(TALK.references[speaker], worse[speaker]), abs=0.1)
        assert db == pytest.approx(si_sdr_db(worse[speaker], TALK.references[speaker]), abs=0.1)
    result = pair.page("").data()["result"]
    assert result["pairs"] == [["speaker_1", "speaker_2"], ["speaker_2", "speaker_1"]]
    assert result["differ_s"] == 0.0
    assert all(1 <= mos <= 5 for mos in [*found["mos"]["a"].values(), *found["mos"]["b"].values()])


def test_against_the_truth_every_track_gets_its_reference(pair: Pair, tmp_path: Path) -> None:
    truth = []
    for k in (1, 0):  # in any order
        sf.write(tmp_path / f"{k}.wav", TALK.references[k], TALK.rate_hz, "FLOAT")
        truth.append(Recording.open(tmp_path / f"{k}.wav"))
    worse = noisy(TALK)
    a = known_separation(TALK, tmp_path / "a")
    b = known_separation(worse, tmp_path / "b")
    found = compared(a, b, truth)["scores"]["truth"]
    assert [found["a"][label]["reference"] for label in ("speaker_1", "speaker_2")] == [1, 0]
    assert [found["b"][label]["reference"] for label in ("speaker_1", "speaker_2")] == [0, 1]
    assert found["a"]["speaker_1"]["si_sdr_db"] > 60
    for track, label in enumerate(("speaker_1", "speaker_2")):
        reference = TALK.references[1 - track]
        expected = si_sdr_db(worse.references[track], reference)
        gain = expected - si_sdr_db(TALK.audio, reference)
        assert found["b"][label]["si_sdr_db"] == pytest.approx(expected, abs=0.1)
        assert found["b"][label]["improvement_db"] == pytest.approx(gain, abs=0.2)


def test_a_separator_that_found_nobody_is_compared_all_the_same(tmp_path: Path) -> None:
    nobody = replace(TALK, references=TALK.references[:0], turns=())
    a, b = known_separation(TALK, tmp_path / "a"), known_separation(nobody, tmp_path / "b")
    found = compared(a, b)
    assert found["pairs"] == [["speaker_1", None], ["speaker_2", None]]
    assert found["scores"]["between_db"] == [None, None]
    assert found["differ_s"] == found["spoken_s"] > 0
    assert compared(b, b)["pairs"] == []


@pytest.mark.parametrize("what", ["other", "failed", "gone", "foreign"])
def test_what_cannot_be_compared_is_told_so(pair: Pair, what: str) -> None:
    jobs = {"other": pair.other.id, "failed": "0" * 16, "gone": "f" * 16, "foreign": pair.noisy.id}
    owner = {"foreign": "bob"}.get(what, OWNER)
    reason = {"other": "not-comparable"}.get(what, "gone-result")
    with pytest.raises(InputError) as error:
        open_page(own(owner, "compare", f"{pair.perfect.id}..{jobs[what]}"), Reader(owner), pair.desk)
    assert error.value.reason == reason


def test_a_result_that_is_half_there_is_told_so(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    jobs = [
        finished(desk, "separate", lambda place: known_separation(TALK, place / "tracks"), {"source": "t"}, "t.wav")
        for _ in range(2)
    ]
    Path(jobs[1].output, "tracks", "turns.rttm").unlink()
    with pytest.raises(InputError) as error:
        open_page(own(OWNER, "compare", f"{jobs[0].id}..{jobs[1].id}"), Reader(OWNER), desk)
    assert error.value.reason == "half-written"
    desk.close()


def test_one_that_is_not_finished_is_waited_for(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    make = known_separation
    done = finished(desk, "separate", lambda place: make(TALK, place / "tracks"), {"source": "t"}, "t.wav")
    waiting = desk.jobs.submit(request(desk, "separate", {"source": "t"}, "t.wav"))
    page = open_page(own(OWNER, "compare", f"{done.id}..{waiting.id}"), Reader(OWNER), desk)
    data = page.data()
    assert (data["ready"], [each["state"] for each in data["missing"]]) == (False, ["queued"])
    with pytest.raises(InputError) as error:
        page.answer({"ask": "vote", "item": "x", "choice": "x", "key": "k"})
    assert error.value.reason == "not-finished"
    before = page.version()
    taken = desk.jobs.claim("a test", lease_s=600)
    assert taken is not None
    make(noisy(TALK), Path(taken.output) / "tracks")
    desk.jobs.succeed(taken.id, taken.attempt, {"directory": taken.output})
    assert page.version() != before
    assert page.data()["ready"]
    desk.close()


def test_nobody_speaks_in_either(desk: StoredResults) -> None:
    share = own(OWNER, "compare", f"{desk.silent.id}..{desk.silent.id}")
    data = open_page(share, Reader(OWNER), desk.desk).data()
    assert (data["items"], data["told"], data["result"]["pairs"]) == ([], True, [])


def test_two_takes_of_the_shipped_separator(desk: StoredResults) -> None:
    share = own(OWNER, "compare", f"{desk.fast.id}..{desk.cleaned.id}")
    page = open_page(share, Reader(""), desk.desk)
    assert isinstance(page, ComparePage)
    found = scores(page)
    assert len(found["between_db"]) == len(page.data()["result"]["pairs"]) == 3
    assert all(db is not None and db > 0 for db in found["between_db"])


def test_a_measurement_that_fails_is_told_and_not_begun_again(tmp_path: Path) -> None:
    begun = []

    def measure() -> dict[str, Any]:
        begun.append(1)
        raise InputError("the track is gone", reason="gone-result", hint="separate again")

    place = kept_at("something", str(tmp_path))
    assert measured(place, measure) == (None, "")
    end_s = time.monotonic() + 10
    while not measuring.standing(place).endswith("again"):
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert measured(place, measure) == (None, "the track is gone — separate again")
    assert len(begun) == 1


@st.composite
def turns(draw: st.DrawFn) -> list[Turn]:
    found = []
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, 90))
        found.append(Turn(start / 10, (start + draw(st.integers(1, 30))) / 10, draw(st.integers(1, 3))))
    return sorted(found)


@settings(deadline=None, max_examples=60)
@given(a=turns(), b=turns())
def test_differences_are_those_of_every_tenth_of_a_second(a: list[Turn], b: list[Turn]) -> None:
    pairs = matched(a, b)
    assert sorted(one for one, _ in pairs if one) == sorted({turn.speaker for turn in a})
    assert sorted(other for _, other in pairs if other) == sorted({turn.speaker for turn in b})
    names = {other: one for one, other in pairs if one and other}
    spoken = differ = 0
    for tick in range(130):
        at = tick / 10 + 0.05
        first = {turn.speaker for turn in a if turn.start_s <= at < turn.end_s}
        second = {names.get(turn.speaker, -turn.speaker) for turn in b if turn.start_s <= at < turn.end_s}
        spoken += bool(first | second)
        differ += first != second
    spoken_s, found = differences(a, b, pairs)
    assert spoken_s == pytest.approx(spoken / 10)
    assert sum(each.seconds for each in found) == pytest.approx(differ / 10)


@settings(deadline=None, max_examples=60)
@given(a=turns())
def test_excerpts_have_their_speaker_and_do_not_overlap_for_one(a: list[Turn]) -> None:
    found = excerpts(a, a, matched(a, a), 12.0)
    for each in found:
        assert 0 <= each.start_s < each.end_s <= 12.0
        assert any(t.speaker == each.a and t.start_s < each.end_s and t.end_s > each.start_s for t in a)
        mine = sorted((other.start_s, other.end_s) for other in found if other.a == each.a)
        assert all(before[1] <= after[0] for before, after in pairwise(mine))
    assert len({each.id for each in found}) == len(found)


def test_the_separations_of_a_told_page_have_their_sound(pair: Pair) -> None:
    both = pair.page("").separations
    assert all(isinstance(each, Separation) and each.tracks[0].file.is_file() for each in both)


def test_scores_are_measured_by_a_process_that_ends_with_whoever_asked(tmp_path: Path) -> None:
    known_separation(TALK, tmp_path / "a")
    command = [sys.executable, "-m", "speaksep_dashboards.compare"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        os.kill(process.pid, signal.SIGSTOP)
        process.stdin.write(json.dumps({"takes": [str(tmp_path / "a")] * 2, "truth": []}) + "\n")
        process.stdin.close()  # as when a service is killed
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(60) != 0


def test_a_damaged_take_is_told_in_its_words(tmp_path: Path) -> None:
    known_separation(TALK, tmp_path / "a")
    (tmp_path / "a" / "manifest.json").write_text("{")
    with pytest.raises(InputError) as error:
        measuring.asked([tmp_path / "a", tmp_path / "a"], [])
    assert error.value.reason == "bad-manifest"


def test_every_key_of_the_listening_is_documented() -> None:
    script = files("speaksep_dashboards").joinpath("compare", "listening.js").read_text("utf-8")
    keys = {key.lower() for line in re.findall(r"keys: (\[[^\]]*\])", script) for key in json.loads(line)}
    text = Path("docs/dashboards.md").read_text("utf-8").partition("## Compare")[2].partition("## Operations")[0]
    table = {
        key.lower() for line in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", line)
    }
    assert {"x", "space", "1"} <= keys <= table
