"""Label files read back: what other tools write, what people get wrong."""

from __future__ import annotations

import json

import parselmouth
import pympi
import pytest
from parselmouth.praat import call

from speaksep_kernel import export
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.labels.reading import read_labels
from speaksep_kernel.testing import conversation, known_separation

NAMES = {1: "Zoë", 2: "李"}


@pytest.fixture(scope="module")
def separation(tmp_path_factory):
    talk = conversation(20, speakers=2, overlap=0.4, seed=5)
    return known_separation(talk, tmp_path_factory.mktemp("reading") / "out", names=NAMES)


def rows(separation):
    return [(turn.start_s, turn.end_s, NAMES[turn.speaker]) for turn in separation.turns]


def same(spans, expected):
    assert [label for *_, label in spans] == [label for *_, label in expected]
    times = [time for start_s, end_s, _ in spans for time in (start_s, end_s)]
    assert times == pytest.approx([time for start_s, end_s, _ in expected for time in (start_s, end_s)], abs=1e-3)


@pytest.mark.parametrize("name", ["rttm", "textgrid", "audacity", "eaf", "csv", "seglst"])
def test_what_was_exported_comes_back(separation, tmp_path, name):
    (path,) = export(separation, name, tmp_path)
    same(read_labels(path, seconds=20), rows(separation))


@pytest.mark.parametrize("how", ["Save as text file", "Save as short text file"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_textgrids_that_praat_wrote_are_read(separation, tmp_path, how, encoding):
    (path,) = export(separation, "textgrid", tmp_path)
    grid = parselmouth.read(str(path))
    call(grid, "Insert point tier", 1, "notes")
    call(grid, "Insert point", 1, 3.0, 'a cough! "loud"')
    parselmouth.praat.run(f"Text writing preferences: {encoding!r}".replace("'", '"'))
    call(grid, how, str(tmp_path / "praat.TextGrid"))
    same(read_labels(tmp_path / "praat.TextGrid"), rows(separation))


def test_elan_files_that_another_library_wrote_are_read(tmp_path):
    eaf = pympi.Elan.Eaf(author="me")
    eaf.add_tier("Ada")
    eaf.add_annotation("Ada", 500, 1500, "hello")
    eaf.to_file(str(tmp_path / "a.eaf"))
    assert read_labels(tmp_path / "a.eaf") == ((0.5, 1.5, "Ada"),)


def test_points_and_spectral_labels_of_audacity_are_passed_over(tmp_path):
    (tmp_path / "a.txt").write_text("1.0\t1.0\tcough\n1.0\t2.0\tAda\n\\\t100.0\t200.0\n")
    assert read_labels(tmp_path / "a.txt") == ((1.0, 2.0, "Ada"),)


def test_rounding_is_forgiven(tmp_path):
    (tmp_path / "a.txt").write_text("0\t2.004\tAda\n2\t10.003\tAda\n")
    assert read_labels(tmp_path / "a.txt", seconds=10) == ((0.0, 2.0, "Ada"), (2.0, 10.0, "Ada"))


GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n5\n<exists>\n1\n"IntervalTier"\n"Ada"\n0\n5\n1\n'
UNALIGNED = (
    '<A><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t"/></TIME_ORDER><TIER TIER_ID="Ada"><ALIGNABLE_ANNOTATION '
    'ANNOTATION_ID="a1" TIME_SLOT_REF1="t" TIME_SLOT_REF2="t"/></TIER></A>'
)
BAD = {
    "past-the-end": ("a.txt", "1\t10.5\tAda\n", "past-the-end", "1.000 to 10.500 s is past the end"),
    "before-the-start": ("a.txt", "-1\t2\tAda\n", "bad-labels", "-1.000 to 2.000 s is no stretch"),
    "backwards": ("a.txt", "2\t1\tAda\n", "bad-labels", "no stretch"),
    "not-a-time": ("a.txt", "nan\t1\tAda\n", "bad-labels", "no stretch"),
    "nameless": ("a.txt", "1\t2\t\n", "bad-labels", "without a name"),
    "twice-at-once": ("a.txt", "1\t5\tAda\n2\t3\tBob\n4\t6\tAda\n", "bad-labels", "Ada speaks twice at once"),
    "decimal-commas": ("a.txt", "1,5\t2,5\tAda\n", "bad-labels", "line 1"),
    "no-tabs": ("a.txt", "hello\n", "bad-labels", "line 1"),
    "empty": ("a.txt", "\n", "no-labels", "no labels"),
    "unknown-suffix": ("a.docx", "1\t2\tAda", "unknown-format", ".docx"),
    "no-suffix": ("labels", "1\t2\tAda", "unknown-format", "without a suffix"),
    "rttm-line": ("a.rttm", "SPEAKER x 1 one 2 <NA> <NA> Ada <NA> <NA>\n", "bad-rttm", "line 1"),
    "rttm-cut-line": ("a.rttm", "SPEAKER \n", "bad-rttm", "line 1"),
    "two-recordings": (
        "a.rttm",
        "SPEAKER x 1 0 1 <NA> <NA> A <NA> <NA>\nSPEAKER y 1 0 1 <NA> <NA> A <NA> <NA>\n",
        "bad-labels",
        "2 recordings",
    ),
    "no-textgrid": ("a.TextGrid", "hello", "bad-labels", "TextGrid"),
    "textgrid-of-something-else": ("a.TextGrid", 'File type = "ooTextFile"\n"Pitch"', "bad-labels", "start"),
    "cut-textgrid": ("a.TextGrid", GRID + "0\n5\n", "bad-labels", "end"),
    "textgrid-with-words-for-times": ("a.TextGrid", GRID + '"x"\n5\n"Ada"', "bad-labels", "instead of a number"),
    "textgrid-with-times-for-words": ("a.TextGrid", GRID + "0\n5\n6\n", "bad-labels", "instead of quoted text"),
    "textgrid-with-endless-tiers": ("a.TextGrid", GRID.replace("\n1\n", "\n1e999\n", 1), "bad-labels", "instead of a"),
    "control-characters": ("a.txt", "1\t2\tA\x00da\n", "bad-labels", "control characters"),
    "no-xml": ("a.eaf", "<ANNOTATION_DOCUMENT><TIER>", "bad-labels", "XML"),
    "unaligned": (
        "a.eaf",
        UNALIGNED,
        "bad-labels",
        "a1 has no times",
    ),
    "other-columns": ("a.csv", "start,end,who\n1,2,Ada\n", "bad-labels", "columns"),
    "cut-row": ("a.csv", "start_s,end_s,name\n1\n", "bad-labels", "line 2"),
    "endless-cell": ("a.csv", f"start_s,end_s,name\n1,2,{'x' * 200_000}\n", "bad-labels", "field limit"),
    "endless-number": ("a.json", f'[{{"speaker": "A", "start_time": {"9" * 400}}}]', "bad-labels", "OverflowError"),
    "no-json": ("a.json", "[{", "bad-labels", "JSONDecodeError"),
    "other-json": ("a.json", '{"ok": true}', "bad-labels", "TypeError"),
    "two-sessions": (
        "a.json",
        json.dumps([{"session_id": s, "speaker": "A", "start_time": 0, "end_time": 1} for s in "xy"]),
        "bad-labels",
        "2 sessions",
    ),
}


@pytest.mark.parametrize(("name", "text", "reason", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_meant_is_refused(tmp_path, name, text, reason, says):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_labels(tmp_path / name, seconds=10)
    assert caught.value.reason == reason
    assert says in caught.value.error
    assert caught.value.hint


def test_other_encodings_are_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("1\t2\tZoë\n".encode("latin-1"))
    with pytest.raises(InputError, match="byte 6 is 0xeb") as caught:
        read_labels(tmp_path / "a.txt")
    assert caught.value.reason == "bad-encoding"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no\.rttm") as caught:
        read_labels(tmp_path / "no.rttm")
    assert caught.value.reason == "file-not-found"
