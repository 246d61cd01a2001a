"""The batch notebook: typed, documented parameters, and it asserts what must hold."""

from pathlib import Path

import papermill
import pytest
import soundfile as sf

from speaksep_kernel.testing import conversation

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "batch" / "separate.ipynb"
# papermill and the Jupyter clients under it use what Python and each other have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.slow
def test_it_separates_a_conversation(tmp_path, monkeypatch):
    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "false")
    talk = conversation(15, speakers=2, overlap=0.1, seed=5)
    sf.write(tmp_path / "talk.wav", talk.audio, talk.rate_hz)
    executed = papermill.execute_notebook(
        str(NOTEBOOK),
        str(tmp_path / "out.ipynb"),
        parameters={"source": str(tmp_path / "talk.wav"), "directory": str(tmp_path / "tracks"), "speakers": 2},
        kernel_name="python3",
        progress_bar=False,
    )
    printed = "".join(output.get("text", "") for cell in executed.cells for output in cell.get("outputs", ()))
    assert "2 speaker(s)" in printed
    assert "tracks + residual = recording" in printed
    assert (tmp_path / "tracks" / "speaker_2.flac").exists()
    # An hour's picture has as many pixels as this one's.
    assert (tmp_path / "out.ipynb").stat().st_size < 300_000
