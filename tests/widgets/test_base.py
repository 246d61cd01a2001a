"""The browser asks, Python answers."""

from typing import Any

import pytest

from speaksep_kernel.errors import InputError
from speaksep_widgets.base import MOST_BYTES, SpeakSepWidget


class Echo(SpeakSepWidget):
    _esm = "export default { render() {} }"

    def answer_echo(self, *, word: str) -> tuple[dict[str, Any], list[bytes]]:
        return {"word": word}, [word.encode()]

    def answer_refuse(self) -> tuple[dict[str, Any], list[bytes]]:
        raise InputError("lane 'x'", reason="unknown-lane", hint="there is mixture")

    def answer_break(self) -> tuple[dict[str, Any], list[bytes]]:
        raise ZeroDivisionError("by nothing")

    def answer_much(self) -> tuple[dict[str, Any], list[bytes]]:
        return {}, [b"\0" * (MOST_BYTES + 1)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    out: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(Echo, "send", lambda self, content, buffers=None: out.append((content, buffers or [])))
    return out


def test_an_answer_carries_the_number_of_its_question(sent) -> None:
    Echo()._asked(None, {"id": "7", "ask": "echo", "word": "hello"}, [])
    assert sent == [({"id": "7", "ok": True, "word": "hello"}, [b"hello"])]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"ask": "refuse"}, "unknown-lane"),
        ({"ask": "break"}, "internal"),
        ({"ask": "nothing"}, "unknown-ask"),
        ({"ask": "echo"}, "internal"),
        ({"ask": "much"}, "answer-too-large"),
    ],
    ids=["refused", "fault", "unknown", "fields-missing", "too-large"],
)
def test_a_failure_is_an_answer_too(sent, question: dict[str, Any], reason: str) -> None:
    Echo()._asked(None, {"id": 1, **question}, [])
    [(content, _)] = sent
    assert (content["id"], content["ok"], content["reason"]) == (1, False, reason)
    assert content["error"]


@pytest.mark.parametrize("content", [None, "text", {"method": "update"}], ids=str)
def test_other_messages_are_left_alone(sent, content: Any) -> None:
    Echo()._asked(None, content, [])
    assert sent == []
