"""Broken files of every format: a valid recording or a SpeakSepError, never anything else, and silence on stderr.

``tests/bench/fuzz.py`` does the same with any number of files, each in a process of its own.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing.audio_files import FORMATS, encode, mutants

RATE_HZ = 16000
TONES = (0.3 * np.sin(np.outer(np.arange(RATE_HZ // 2), [0.09, 0.13]))).astype(np.float32)
WHOLE = {format: encode(TONES, RATE_HZ, format) for format in FORMATS}


def frames_read(data: bytes) -> int:
    """Samples of a file that is a recording, -1 of one that is refused properly."""
    try:
        recording = Recording.open(data)
        with AnalysisCache(recording) as cache:
            assert sum(map(len, recording.blocks(0.1))) == recording.frames == len(cache.read())
            assert np.isfinite(cache.read16k()).all()
    except SpeakSepError as error:
        assert (error.exit_code, "\n" in str(error), bool(error.hint)) == (2, False, True), error  # noqa: PT017
        return -1
    return recording.frames


@pytest.mark.timeout(60)
@pytest.mark.parametrize("format", FORMATS)
def test_mutants(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    lengths = [frames_read(mutant) for mutant in mutants(WHOLE[format], 25, seed=7)]
    assert min(lengths) == -1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("format", FORMATS)
def test_the_file_before_mutation_is_a_recording(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert frames_read(WHOLE[format]) >= RATE_HZ // 2
    assert capfd.readouterr() == ("", "")


@settings(max_examples=60, deadline=None)
@given(data=st.binary(min_size=0, max_size=300), head=st.sampled_from([b"", *(data[:40] for data in WHOLE.values())]))
def test_any_bytes_after_any_head(head: bytes, data: bytes) -> None:
    assert frames_read(head + data) >= -1
