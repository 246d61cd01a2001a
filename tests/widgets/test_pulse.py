"""Work beats while it runs, so that the page can tell when nobody works any more."""

import threading

import pytest

from speaksep_widgets import pulse
from speaksep_widgets.work import Work


def test_it_beats_while_work_runs_and_not_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_S", 0.01)
    beaten, running = threading.Event(), []
    work = Work(lambda hook: (beaten.wait(10), running.append(work._pulse.running), 42)[-1], "Counting")
    work._pulse.observe(lambda _: work._pulse.beat >= 3 and beaten.set(), "beat")
    assert work.start().wait(20) == 42
    assert running == [True]
    assert work._pulse.running is False
    assert work._pulse.beat >= 3
    after = work._pulse.beat
    threading.Event().wait(0.1)
    assert work._pulse.beat <= after + 1
