"""Progress on stderr, and what Ctrl-C does."""

import io
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from speaksep_kernel.cli.bar import PlainLines, progress
from speaksep_kernel.testing import sample_recording


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """A shell starts what runs in its background deaf to Ctrl-C, and so would be every program started here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_lines_say_how_far_and_how_long():
    stream = io.StringIO()
    lines = PlainLines(stream, every_s=0.0)
    for completed in range(3):
        lines("separate", completed, 2)
    assert stream.getvalue().splitlines()[0] == "separate 0 %"
    assert stream.getvalue().splitlines()[-1] == "separate 100 % (0 s left)"


def test_lines_without_a_total_say_what_is_done():
    stream = io.StringIO()
    PlainLines(stream, every_s=0.0)("read", 12.5)
    assert stream.getvalue() == "read 12.5\n"


def test_short_work_says_nothing():
    stream = io.StringIO()
    PlainLines(stream)("read", 1, 2)
    assert stream.getvalue() == ""


def test_quiet_says_nothing(capfd):
    with progress(quiet=True) as hook:
        hook("read", 1, 2)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_the_time_left():
    program = (
        "from speaksep_kernel.cli.bar import progress\n"
        "with progress() as hook:\n"
        "    hook('segment', 0, 4); hook('segment', 3, 4); hook('segment', 4, 4)\n"
    )
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", program], stderr=theirs, stdout=subprocess.PIPE, check=True)
    shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    assert "segment" in shown
    assert "100%" in shown
    assert "0:00:00" in shown
    assert done.stdout == b""


STUCK = """
import sys, time
from pathlib import Path
from speaksep_kernel.cli.interrupt import watch_interrupts
from speaksep_kernel.results.directory import staged
target = Path(sys.argv[1])
with watch_interrupts(), staged(target) as stage:
    (stage / "speaker_1.flac").write_bytes(b"half")
    print("started", flush=True)
    {work}
"""
POLITE = "time.sleep(30)"
TRIES = 5
"""Other work on the machine may hold one of them up."""
STUBBORN = """
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
@pytest.mark.parametrize("work", [POLITE, STUBBORN], ids=["unwinds", "does-not-return"])
def test_interrupted_within_a_second_and_nothing_is_left(work, number, tmp_path):
    program = STUCK.format(work=work)
    for _ in range(TRIES):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "tracks")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with process:
            assert process.stdout.readline() == b"started\n"
            start = time.monotonic()
            process.send_signal(number)
            code = process.wait(timeout=10)
            seconds = time.monotonic() - start
        assert code != 0
        assert list(tmp_path.iterdir()) == []
        if seconds < 1.0:
            return
    pytest.fail(f"{seconds} s, and not once in {TRIES} tries within a second")


def test_interrupted_program_says_so_in_one_line(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from speaksep_kernel.cli import main; main()",
            "separate",
            str(sample_recording()),
            "-o",
            str(tmp_path / "tracks"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert said == "speaksep: interrupted; nothing was left behind\n"
    assert list(tmp_path.iterdir()) == []
