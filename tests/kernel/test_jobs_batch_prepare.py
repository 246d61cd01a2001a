"""Every row of a batch is looked at before anything runs; what was asked for is written down once."""

import io
import json
import pickle
import threading
from dataclasses import replace

import fastparquet
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.batch.cost import predict
from speaksep_kernel.jobs.batch.folder import Task, new_batch, read_batch, settle
from speaksep_kernel.jobs.batch.perform import submit
from speaksep_kernel.jobs.batch.prepare import BrokenRows, prepare
from speaksep_kernel.jobs.batch.results import results_of, write_results
from speaksep_kernel.jobs.queue import JobTable


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for place in ("a.wav", "b.flac", "in/a.wav", "in/ü b.wav"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        sf.write(tmp_path / place, np.zeros(8000), 16000)
    (tmp_path / "letter.wav").write_text("Dear Ada")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(batch):
    return [task.name for task in batch.tasks]


def test_every_recording_is_a_job_with_a_folder_of_its_own(folder):
    batch = prepare("separate", folder / "out", inputs=["a.wav", "in", "b.flac"], constants={"speakers": "2"})
    assert named(batch) == ["a-1", "a-2", "ü b", "b"]
    assert batch.tasks[1] == Task("a-2", {"source": str(folder / "in/a.wav"), "speakers": 2}, 0.5)
    assert not (folder / "out").exists()
    assert [request.output for request in batch.requests()][-1] == str(folder / "out/b")
    assert len({request.key for request in batch.requests()}) == 4


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        ([".hidden", "..", "x" * 300, "results.csv"], ["hidden", "job-2", "x" * 120, "results.csv-1"]),
        (["ü" * 100, "a", "a", "a-1"], ["ü" * 60, "a-2", "a-3", "a-1"]),
        (["line\nbreak", "raw\udcff"], ["line_break", "raw_"]),
    ],
    ids=["odd", "long-and-taken", "unprintable"],
)
def test_folders_have_names_that_every_disk_takes(stems, names):
    from speaksep_kernel.jobs import notebooks
    from speaksep_kernel.jobs.batch.check import check_rows
    from speaksep_kernel.jobs.batch.rows import Row

    rows = [Row(f"line {number}", {"source": f"/nowhere/{stem}.wav"}) for number, stem in enumerate(stems)]
    assert [work.name for work in check_rows(notebooks.get("separate"), rows, {})] == names


def test_a_relative_path_is_beside_the_table_or_here(folder):
    (folder / "in/t.csv").write_text("source\nü b.wav\nb.flac\n")
    batch = prepare("separate", folder / "out", table=folder / "in/t.csv")
    assert [task.parameters["source"] for task in batch.tasks] == [str(folder / "in/ü b.wav"), str(folder / "b.flac")]


def test_three_broken_rows_of_many_are_named_before_anything_runs(folder):
    lines = ["a.wav,1"] * 500
    lines[5], lines[250], lines[499] = "a.wav,three", "nowhere.wav,1", "letter.wav,1"
    (folder / "t.csv").write_text("\n".join(["source,speakers", *lines]))
    with pytest.raises(BrokenRows, match="3 of 500 rows") as caught:
        prepare("separate", folder / "out", table=folder / "t.csv")
    assert [row.partition(":")[0] for row in caught.value.rows] == ["line 7", "line 252", "line 501"]
    assert pickle.loads(pickle.dumps(caught.value)).to_dict() == caught.value.to_dict()
    assert not (folder / "out").exists()
    batch = prepare("separate", folder / "out", table=folder / "t.csv", keep_going=True)
    assert [task.error["reason"] for task in batch.tasks if task.error] == [
        "bad-parameter",
        "file-not-found",
        "not-audio",
    ]
    assert len(batch.requests()) == 497


@pytest.mark.parametrize(
    ("table", "reason", "said"),
    [
        ("speakers\n2\n", "missing-column", "'source'"),
        ("source,speeker\na.wav,2\n", "unknown-column", "'speeker'"),
        ("source\nnowhere.wav\n", "broken-rows", "1 of 1 rows"),
        ("source,directory\na.wav,/etc\n", "broken-rows", "/etc"),
    ],
    ids=["missing-column", "unknown-column", "nothing-left", "outside"],
)
@pytest.mark.parametrize("keep_going", [False, True], ids=["strict", "keep-going"])
def test_a_table_that_does_not_fit_is_refused_whole(folder, table, reason, said, keep_going):
    (folder / "t.csv").write_text(table)
    with pytest.raises(InputError, match=said) as caught:
        prepare("separate", folder / "out", table=folder / "t.csv", keep_going=keep_going)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"notebook": "seperate", "inputs": ["a.wav"]}, "unknown-notebook"),
        ({"inputs": []}, "no-inputs"),
        ({"inputs": ["a.wav"], "table": "t.csv"}, "no-inputs"),
        ({"inputs": ["a.wav"], "constants": {"speakers": "two"}}, "bad-parameter"),
        ({"inputs": ["a.wav"], "constants": {"speeker": "2"}}, "unknown-parameter"),
        ({"notebook": "diagnose-folder", "inputs": ["a.wav"]}, "broken-rows"),
        ({"inputs": ["a.wav"], "directory": "a.wav"}, "output-is-a-file"),
        ({"inputs": ["a.wav"], "directory": "in"}, "output-not-empty"),
    ],
    ids=["notebook", "nothing", "both", "type", "name", "no-folder", "file", "occupied"],
)
def test_what_cannot_be_used_is_refused_once_for_all(folder, given, reason):
    (folder / "t.csv").write_text("source\na.wav\n")
    words = {"notebook": "separate", "directory": "out"} | given
    with pytest.raises(SpeakSepError) as caught:
        prepare(words.pop("notebook"), folder / words.pop("directory"), **words)
    assert (caught.value.reason, caught.value.exit_code) == (reason, 2)
    assert not (folder / "out").exists()


def test_a_notebook_of_folders_gets_folders(folder):
    batch = prepare("diagnose-folder", folder / "out", inputs=["in"])
    assert batch.tasks == (Task("in", {"folder": str(folder / "in")}),)


def test_of_two_who_begin_at_once_both_have_the_same_batch(folder):
    table = JobTable.open(folder / "jobs.sqlite3")
    asked = [prepare("separate", folder / "out", inputs=["a.wav", "b.flac"]) for _ in range(8)]
    got = [None] * len(asked)

    def begin(number):
        got[number] = submit(asked[number], table)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({batch.id for batch in asked}) == 8
    assert got == [read_batch(folder / "out")] * 8
    assert len(table.jobs()) == 2
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["batch.json"]
    table.close()


def test_a_directory_belongs_to_one_batch(folder):
    first = settle(prepare("separate", folder / "out", inputs=["a.wav"]))
    assert read_batch(folder / "out") == first
    with pytest.raises(InputError, match="another batch") as caught:
        settle(prepare("separate", folder / "out", inputs=["b.flac"]))
    assert caught.value.reason == "another-batch"
    assert read_batch(folder / "out") == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "no-batch"), ("{", "bad-batch"), ("[]", "bad-batch"), ('{"tasks": [{}]}', "bad-batch")],
    ids=["nothing", "cut", "list", "empty"],
)
def test_a_batch_that_cannot_be_read_is_said(tmp_path, text, reason):
    (tmp_path / "batch.json").write_text(text or "") if text else None
    with pytest.raises(InputError) as caught:
        read_batch(tmp_path)
    assert caught.value.reason == reason


def test_results_are_the_same_in_both_tables(folder):
    (folder / "t.jsonl").write_text(
        '{"source": "a.wav", "speakers": 2}\n{"source": "nowhere.wav"}\n{"source": "b.flac"}'
    )
    batch = settle(prepare("separate", folder / "out", table=folder / "t.jsonl", keep_going=True))
    with JobTable.open(folder / "jobs.sqlite3") as table:
        batch = submit(batch, table)
        job = table.claim("w", lease_s=9, batch=batch.id)
        table.fail(job.id, job.attempt, {"error": "no", "reason": "why", "hint": ""}, again=False)
        results = results_of(batch, table.jobs(batch=batch.id))
    assert [result.state for result in results] == ["failed", "refused", "queued"]
    csv, parquet = write_results(batch, results)
    read = pd.read_csv(csv)
    assert list(read.reason.fillna("")) == ["why", "file-not-found", ""]
    assert list(read.columns) == list(fastparquet.ParquetFile(io.BytesIO(parquet.read_bytes())).columns)
    assert json.loads(json.dumps([result.to_dict() for result in results]))[0]["attempts"] == 1


def test_names_that_are_no_unicode_come_through(tmp_path):
    batch = new_batch(tmp_path / "out", "separate", [Task("a", {"source": "/raw\udcff.wav"})], {})
    assert settle(batch) == batch
    assert read_batch(tmp_path / "out") == replace(batch, limits={})
    write_results(batch, results_of(batch, []))
    assert "raw" in (tmp_path / "out/results.csv").read_text()


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_prediction_grows_with_the_sound_and_shrinks_with_cores(workers):
    short = predict([20.0] * 10, verb="separate", workers=workers, cores=4)
    long = predict([60.0] * 10, verb="separate", workers=workers, cores=4)
    more = predict([60.0] * 10, verb="separate", workers=8, cores=16)
    assert 0 < short.least_s < short.most_s < long.most_s
    assert more.most_s <= long.most_s
    assert predict([60.0], verb="", workers=1, cores=1).unknown == 1
