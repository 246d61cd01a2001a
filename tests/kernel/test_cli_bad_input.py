"""Whatever is wrong with the input: one line, exit code 2, no output directory."""

import io
import json
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speaksep_kernel.cli import main
from speaksep_kernel.testing import conversation, sample_recording

RATE_HZ = 16000
NOISE = np.random.default_rng(1).normal(0, 0.1, RATE_HZ).astype(np.float32)


def encoded(samples, subtype="PCM_16", container="WAV"):
    buffer = io.BytesIO()
    sf.write(buffer, samples, RATE_HZ, subtype, format=container)
    return buffer.getvalue()


def ten_hour_header():
    """A wav header that promises ten hours over one second."""
    size = 10 * 3600 * RATE_HZ * 2
    data = bytearray(encoded(NOISE))
    at = data.index(b"data")
    data[4:8] = struct.pack("<I", size + at)
    data[at + 4 : at + 8] = struct.pack("<I", size)
    return bytes(data)


BAD_FILES = {
    "empty.wav": b"",
    "text.wav": b"Dear all,\nplease find the recording attached.\n" * 50,
    "truncated.wav": encoded(NOISE)[:-8000],
    "truncated.mp3": encoded(NOISE, "MPEG_LAYER_III", "MP3")[:-1500],
    "nan.wav": encoded(np.where(np.arange(RATE_HZ) == 8000, np.nan, NOISE), "FLOAT"),
    "no-sample.wav": encoded(np.zeros(0)),
    "one-sample.wav": encoded(np.zeros(1)),
    "channels-64.wav": encoded(np.zeros((RATE_HZ, 64))),
    "ten-hour-header.wav": ten_hour_header(),
}


def refused(words, capsys, tmp_path):
    """Run, expect a refusal in one line and no result, and return the line."""
    output = tmp_path / "tracks"
    before = sorted(tmp_path.iterdir())
    assert main(["separate", *words, "-o", str(output)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("speaksep: ")
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
    return captured.err


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused(name, capsys, tmp_path):
    (tmp_path / name).write_bytes(BAD_FILES[name])
    assert name in refused([str(tmp_path / name)], capsys, tmp_path)


def test_missing_path_is_refused(capsys, tmp_path):
    assert "nowhere.wav" in refused([str(tmp_path / "nowhere.wav")], capsys, tmp_path)


def test_directory_is_refused(capsys, tmp_path):
    assert "directory" in refused([str(tmp_path)], capsys, tmp_path)


@pytest.fixture
def nobody():
    """Root may read everything: be somebody else for a moment."""
    user = os.geteuid()
    main(["separate", "nowhere.wav", "-o", "tracks"])  # load what the verb needs while it may be read
    os.seteuid({0: 65534}.get(user, user))
    yield
    os.seteuid(user)


def test_unreadable_file_is_refused(tmp_path, capsys, nobody):
    user = os.geteuid()
    os.seteuid(os.getuid())
    place = tmp_path / "secret.wav"
    place.write_bytes(encoded(NOISE))
    place.chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    os.seteuid(user)
    capsys.readouterr()
    assert "secret.wav" in refused([str(place)], capsys, tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speakers", "0"], "speakers"),
        (["--speakers", "99"], "99"),
        (["--speakers", "-1"], "speakers"),
        (["--speakers", "two"], "two"),
        (["--separator", "nonsense"], "nonsense"),
        (["--separator-option", "path"], "path"),
        (["--separator-option", "colour=red"], "colour"),
        (["--format", "aiff"], "aiff"),
        (["--device", "tpu"], "tpu"),
        (["--device", "cuda"], "CUDA"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else None,
)
def test_bad_option_is_refused(words, said, capsys, tmp_path):
    assert said in refused([str(sample_recording()), *words], capsys, tmp_path)


def test_output_that_is_a_file_is_refused(capsys, tmp_path):
    (tmp_path / "tracks").write_text("mine")
    assert "tracks" in refused([str(sample_recording())], capsys, tmp_path)
    assert (tmp_path / "tracks").read_text() == "mine"


def test_output_that_holds_other_files_is_refused(capsys, tmp_path):
    (tmp_path / "tracks").mkdir()
    (tmp_path / "tracks" / "thesis.txt").write_text("mine")
    assert "tracks" in refused([str(sample_recording())], capsys, tmp_path)
    assert (tmp_path / "tracks" / "thesis.txt").read_text() == "mine"


def test_json_error_has_the_shared_shape(capsys, tmp_path):
    assert main(["separate", str(tmp_path / "nowhere.wav"), "-o", str(tmp_path / "tracks"), "--json"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out)
    assert error.keys() == {"ok", "error", "reason", "hint"}
    assert error["ok"] is False
    assert "nowhere.wav" in error["error"]
    assert captured.err.count("\n") == 1


def limited(bytes_allowed):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_allowed, bytes_allowed))


# What is kept of these six seconds for analysis has 384000 bytes, the three tracks of the network 576000.
@pytest.mark.parametrize("bytes_allowed", [100_000, 480_000], ids=["while-reading", "while-writing"])
def test_full_disk_is_one_line_and_leaves_nothing(bytes_allowed, tmp_path, tmp_path_factory):
    recording = tmp_path_factory.mktemp("talk") / "talk.flac"
    sf.write(recording, conversation(6.0, 2, 0.2).audio, RATE_HZ)
    words = ["separate", str(recording), "-o", str(tmp_path / "tracks"), "--format", "wav", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from speaksep_kernel.cli import main; sys.exit(main())", *words],
        capture_output=True,
        text=True,
        preexec_fn=limited(bytes_allowed),
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("speaksep: ")
    assert done.stderr.count("\n") == 1
    assert list(Path(tmp_path).iterdir()) == []
