"""Long work beside the notebook: seen, stopped, and its failures said."""

import threading

import pytest

from speaksep_kernel.errors import InputError
from speaksep_widgets.work import Cancelled, Work


def test_the_result_comes_and_is_passed_on() -> None:
    heard: list[int] = []
    work = Work(lambda hook: (hook("count", 1, 2), hook("count", 2, 2), 42)[-1], "Counting", heard.append)
    assert work.start().wait(10) == 42
    assert (work.state, work.bar.value, heard) == ("done", 1.0, [42])


def test_cancel_stops_at_the_next_report() -> None:
    begun, go = threading.Event(), threading.Event()

    def call(hook) -> int:
        begun.set()
        go.wait(10)
        hook("step", 1, 2)
        raise AssertionError("went on")

    work = Work(call, "Working").start()
    begun.wait(10)
    work.cancel_button.click()
    go.set()
    with pytest.raises(Cancelled):
        work.wait(10)
    assert work.state == "cancelled"
    assert "nothing was left behind" in work.word.value
    assert work.cancel_button.disabled


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("x.wav is <empty>", reason="empty", hint="record again"), "x.wav is &lt;empty&gt;"),
        (ZeroDivisionError("by nothing"), "a fault of ours"),
    ],
    ids=["bad-input", "fault"],
)
def test_a_failure_is_said(error: Exception, words: str) -> None:
    def call(hook) -> int:
        raise error

    work = Work(call, "Working").start()
    with pytest.raises(type(error)):
        work.wait(10)
    assert work.state == "failed"
    assert words in work.word.value


def test_it_can_be_started_again() -> None:
    calls: list[int] = []
    work = Work(lambda hook: calls.append(1) or len(calls), "Counting")
    assert [work.start().wait(10), work.start().wait(10)] == [1, 2]
