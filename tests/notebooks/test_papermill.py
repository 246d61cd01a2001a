"""papermill on the batch notebooks (docs/notebooks.md), and on the workbench, with small parameters; bad input, too."""

import csv
from pathlib import Path

import papermill
import pytest
import soundfile as sf
from papermill.exceptions import PapermillExecutionError

from speaksep_kernel.testing import conversation
from tests.kernel.batches import end_fork_servers

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
BATCH = ["convert", "diagnose", "diagnose_folder", "edit", "enroll", "evaluate", "identify", "separate", "summary"]
TYPED = [*(f"batch/{name}" for name in BATCH), "explore/workbench"]
# papermill and the Jupyter clients under it use what Python and each other have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.timeout(1200),
]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """Where what hands out kernels is, as long as these tests run."""
    folder = tmp_path_factory.mktemp("run")
    yield folder
    end_fork_servers(folder)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path, runtime):
    """No telemetry, one thread beside other tests, nothing in the user's home."""
    monkeypatch.setenv("SPEAKSEP_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "false")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def run(tmp_path: Path, name: str, **parameters: object) -> str:
    """Everything the notebook printed."""
    executed = papermill.execute_notebook(
        str(NOTEBOOKS / f"{name}.ipynb"), str(tmp_path / "out.ipynb"), parameters=parameters, kernel_name="speaksep",
        cwd=str(tmp_path), progress_bar=False,
    )  # fmt: skip
    return "".join(output.get("text", "") for cell in executed.cells for output in cell.get("outputs", ()))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", TYPED)
def test_every_parameter_has_a_type_a_default_and_a_word_about_it(name):
    parameters = papermill.inspect_notebook(str(NOTEBOOKS / f"{name}.ipynb"))
    assert parameters
    for parameter in parameters.values():
        assert parameter["inferred_type_name"] in {"str", "int", "float", "bool", "list"}, parameter
        assert parameter["default"] != "None"
        assert len(parameter["help"]) > 20, parameter


@pytest.mark.slow
def test_it_diagnoses_a_folder_and_goes_on_after_a_bad_file(tmp_path):
    talk = conversation(6, speakers=2, overlap=0.1, seed=5)
    (tmp_path / "in").mkdir()
    sf.write(tmp_path / "in" / "talk.wav", talk.audio, talk.rate_hz)
    (tmp_path / "in" / "broken.wav").write_bytes(b"RIFF, but no sound")
    (tmp_path / "in" / "notes.txt").write_text("passed over")
    said = run(tmp_path, "batch/diagnose_folder", folder=str(tmp_path / "in"), directory=str(tmp_path / "out"))
    assert "1 diagnosed, 1 refused" in said
    broken, heard = rows(tmp_path / "out" / "recordings.csv")
    assert (broken["recording"], heard["recording"]) == ("broken.wav", "talk.wav")
    assert broken["reason"]
    assert float(heard["seconds"]) == pytest.approx(6)
    assert int(float(heard["speakers"])) >= 1
    findings = rows(tmp_path / "out" / "findings.csv")
    assert {"snr", "loudness", "overlap-ratio"} <= {finding["finding"] for finding in findings}
    assert all(finding["why"] and finding["recording"] == "talk.wav" for finding in findings)


@pytest.mark.slow
def test_it_evaluates_recordings_with_a_known_truth(tmp_path):
    talk = conversation(10, speakers=2, overlap=0.3, seed=5)
    (tmp_path / "in" / "talk").mkdir(parents=True)
    sf.write(tmp_path / "in" / "talk.wav", talk.audio, talk.rate_hz, subtype="FLOAT")
    (tmp_path / "in" / "talk.rttm").write_text(talk.rttm("talk"))
    for name, reference in zip(talk.speakers, talk.references, strict=True):
        sf.write(tmp_path / "in" / "talk" / f"{name}.wav", reference, talk.rate_hz, subtype="FLOAT")
    table = tmp_path / "made" / "table.csv"
    said = run(tmp_path, "batch/evaluate", recordings=str(tmp_path / "in"), table=str(table), tell_speakers=True)
    assert "1 recording(s)" in said
    (row,) = rows(table)
    assert (row["recording"], row["speakers"], row["found"]) == ("talk", "2", "2")
    assert float(row["der"]) < 0.4
    assert float(row["si_sdri_db"]) > 5


@pytest.mark.slow
def test_it_evaluates_made_conversations(tmp_path):
    said = run(tmp_path, "batch/evaluate", conversations=1, seconds=8.0, seed=3)
    assert "conversation 3:" in said
    assert len(rows(tmp_path / "evaluation.csv")) == 1


@pytest.mark.parametrize(
    ("name", "parameter", "words"),
    [
        ("batch/diagnose_folder", "folder", "no recordings in"),
        ("batch/evaluate", "recordings", "no recordings with RTTM"),
        ("batch/summary", "results", "no table of results"),
    ],
)
def test_an_empty_folder_is_refused_in_words(tmp_path, name, parameter, words):
    with pytest.raises(PapermillExecutionError, match=words) as caught:
        run(tmp_path, name, **{parameter: str(tmp_path)})
    assert caught.value.ename == "InputError"
    assert not list(tmp_path.glob("**/*.csv"))


@pytest.mark.slow
def test_the_workbench_goes_all_the_way(tmp_path):
    talk = conversation(10, speakers=2, overlap=0.1, seed=5)
    sf.write(tmp_path / "talk.wav", talk.audio, talk.rate_hz)
    said = run(tmp_path, "explore/workbench", source=str(tmp_path / "talk.wav"), directory=str(tmp_path / "tracks"))
    assert "speaksep.separate(" in said
    assert (tmp_path / "tracks" / "residual.flac").exists()


@pytest.mark.slow
def test_a_batch_is_summarized(tmp_path):
    (tmp_path / "results.csv").write_text(
        "name,state,sound_s,seconds,attempts,cached,directory,notebook,reason,error,speakers_found,overlap_ratio\n"
        f"a,succeeded,60,30,1,False,{tmp_path},{tmp_path}/a.ipynb,,,2,0.1\n"
        f"b,succeeded,60,,2,True,{tmp_path},{tmp_path}/b.ipynb,,,3,0.2\n"
        "c,failed,,1,3,False,,,not-audio,c.wav: is not audio,,\n"
        "d,refused,,,0,False,,,file-not-found,d.wav: no such file,,\n"
    )
    said = run(tmp_path, "batch/summary", results=str(tmp_path / "results.csv"))
    assert "1.00 hours" not in said
    assert "0.50 seconds of work per second" in said
    assert "3 further attempts" in said
