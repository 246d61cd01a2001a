"""Tables of parameters and lists of inputs, as people write them."""

import json

import fastparquet
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.batch.inputs import find_inputs
from speaksep_kernel.jobs.batch.rows import read_rows

WANTED = [{"source": "a b.wav", "speakers": 2}, {"source": "ü.wav"}]


def csv_text(delimiter, newline="\n", mark=""):
    return mark + newline.join((f"source{delimiter} speakers", f"a b.wav{delimiter}2", f"ü.wav{delimiter}", ""))


TABLES = {
    "commas.csv": csv_text(",").encode(),
    "semicolons.csv": csv_text(";", "\r\n", "\ufeff").encode(),
    "tabs.tsv": csv_text("\t").encode(),
    "lines.jsonl": "\n\n".join(json.dumps(row) for row in [*WANTED[:1], WANTED[1] | {"speakers": None}]).encode(),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_in_every_dress_say_the_same(tmp_path, name):
    (tmp_path / name).write_bytes(TABLES[name])
    columns, rows = read_rows(tmp_path / name)
    assert columns == ("source", "speakers")
    assert [{key: str(value) for key, value in row.values.items()} for row in rows] == [
        {key: str(value) for key, value in row.items()} for row in WANTED
    ]
    assert not any(row.error for row in rows)


def test_parquet_keeps_types_and_leaves_out_what_is_missing(tmp_path):
    table = tmp_path / "t.parquet"
    frame = pd.DataFrame({"source": ["a.wav", None], "speakers": [2, 3], "gain": [np.nan, 0.5], "tell": [True, False]})
    fastparquet.write(str(table), frame)
    _, rows = read_rows(table)
    assert [dict(row.values) for row in rows] == [
        {"source": "a.wav", "speakers": 2, "tell": True},
        {"speakers": 3, "gain": 0.5, "tell": False},
    ]
    assert type(rows[0].values["speakers"]) is int


def test_broken_rows_are_named_and_the_others_read(tmp_path):
    (tmp_path / "t.csv").write_text("source,speakers\na.wav,2\nb.wav\nc.wav,1,x\nd.wav,1\n")
    (tmp_path / "t.jsonl").write_text('{"source": "a.wav"}\n{"source": \n[1]\n{"source": "d.wav"}\n')
    _, of_csv = read_rows(tmp_path / "t.csv")
    _, of_jsonl = read_rows(tmp_path / "t.jsonl")
    assert [row.error and row.error.error for row in of_csv] == [
        None,
        "line 3 has 1 value for 2 columns",
        "line 4 has 3 values for 2 columns",
        None,
    ]
    assert [row.where for row in of_jsonl if row.error] == ["line 2", "line 3"]
    assert "list, not an object" in str(of_jsonl[2].error)


@pytest.mark.parametrize(
    ("name", "data", "reason", "said"),
    [
        ("t.xlsx", b"PK", "unknown-table", ".csv"),
        ("t.csv", b"", "empty-table", "no rows"),
        ("t.csv", b"source,speakers\n", "empty-table", "no rows"),
        ("t.csv", b"source,source\na,b\n", "bad-table", "'source' twice"),
        ("t.csv", b"source,\na,b\n", "bad-table", "without a name"),
        ("t.csv", b'source,x\n"a,b\n', "bad-table", "line 2"),
        ("t.csv", b"source\n\xff\xfe\n", "bad-table", "UTF-8"),
        ("t.jsonl", b"\n", "empty-table", "no rows"),
        ("t.parquet", b"PAR1 not", "bad-table", "not Parquet"),
    ],
    ids=["excel", "nothing", "head-only", "twice", "nameless", "open-quote", "latin", "blank", "no-parquet"],
)
def test_tables_that_cannot_be_used_are_refused_in_words(tmp_path, name, data, reason, said):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said) as caught:
        read_rows(tmp_path / name)
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_table_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.wav", "a.flac", "deep/c.wav", "deep/er/d.wav"):
        sf.write(tmp_path / name, np.zeros(100), 16000)
    (tmp_path / "notes.txt").write_text("no sound")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["."], ["a.flac", "b.wav"]),
        (["b.wav", "a.flac", "./b.wav"], ["./b.wav", "a.flac"]),
        (["**/*.wav"], ["b.wav", "deep/c.wav", "deep/er/d.wav"]),
        (["s3://bucket/a.wav", "b.wav"], ["s3://bucket/a.wav", "b.wav"]),
        (["notes.txt"], ["notes.txt"]),
    ],
    ids=["folder", "twice", "pattern", "url", "by-name"],
)
def test_files_folders_and_patterns_become_one_list(folder, words, found):
    assert find_inputs(words) == tuple(found)


def test_a_notebook_of_folders_gets_folders(folder):
    assert find_inputs(["deep", "d*"], folders=True) == ("deep",)


@pytest.mark.parametrize("word", ["nowhere.wav", "*.mp3", "empty"])
def test_inputs_that_are_not_there_are_refused(folder, word):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=word.replace("*", r"\*")) as caught:
        find_inputs(["b.wav", word])
    assert caught.value.reason == "no-inputs"
