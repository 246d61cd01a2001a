"""The same widgets as Panel components: equal states, questions answered."""

import numpy as np
import pytest

from speaksep_widgets.panel import in_panel
from speaksep_widgets.recording_view import RecordingView

RATE_HZ = 8000


@pytest.fixture
def view() -> RecordingView:
    return RecordingView((np.sin(np.arange(RATE_HZ, dtype=np.float32) / 5) / 2, RATE_HZ))


def test_state_goes_both_ways_and_what_is_read_only_stays(view: RecordingView) -> None:
    component = in_panel(view)
    assert (component.seconds, component.lanes) == (1.0, ["mixture"])
    view.selection_s = [0.1, 0.4]
    assert component.selection_s == [0.1, 0.4]
    component.playhead_s = 0.7
    assert view.playhead_s == 0.7
    component.seconds = 99.0
    assert view.seconds == 1.0


def test_questions_are_answered_with_bytes(view: RecordingView, monkeypatch: pytest.MonkeyPatch) -> None:
    component = in_panel(view)
    sent: list[dict] = []
    monkeypatch.setattr(component, "send", sent.append)
    component._handle_msg({"id": "a-1", "ask": "sound", "lanes": ["mixture"], "start_s": 0, "stop_s": 0.5})
    component._handle_msg({"id": "a-2", "ask": "peaks", "pieces": [["nobody", 0, 1]], "pixels": 8})
    assert [(answer["id"], answer["ok"]) for answer in sent] == [("a-1", True), ("a-2", False)]
    assert [len(buffer) for buffer in sent[0]["buffers"]] == [RATE_HZ]


def test_two_applications_may_show_one_widget(view: RecordingView) -> None:
    first, second = in_panel(view), in_panel(view)
    first.view_s = [0.2, 0.3]
    assert second.view_s == [0.2, 0.3]
