"""What all pages have in common: questions, versions, what a reader may do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import MOST_BYTES, Answer, Reader, ViewPage
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError
from tests.dashboards.stored_results import OWNER, StoredResults

SHARE = Share(owner="ada", kind="recording", what={"job": "1"})


class Counting(ViewPage):
    """Counts what it is asked."""

    kind: ClassVar[str] = "recording"
    reads: ClassVar[frozenset[str]] = frozenset({"sum", "zeros"})
    count = 0

    def state(self) -> Any:
        """How often."""
        return self.count

    def shown(self) -> dict[str, Any]:
        """The same."""
        return {"count": self.count}

    def answer_sum(self, *, values: list[int]) -> Answer:
        """All together."""
        self.count += 1
        return Answer({"sum": sum(values)})

    def answer_zeros(self, *, size: int) -> Answer:
        """Bytes."""
        return Answer({}, (bytes(size),))

    def answer_secret(self) -> Answer:
        """Not among the questions."""
        raise AssertionError


@pytest.fixture
def counting(desk: StoredResults) -> Counting:
    """One that nobody has asked."""
    return Counting(SHARE, Reader("ada"), desk.desk)


def test_a_question_is_answered_with_its_fields(counting: Counting) -> None:
    assert counting.answer({"ask": "sum", "values": [1, 2, 4]}).content == {"sum": 7}


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        pytest.param({}, "unknown-ask", id="nothing"),
        pytest.param({"ask": "secret"}, "unknown-ask", id="a method that is no question"),
        pytest.param({"ask": ["sum"]}, "unknown-ask", id="a list"),
        pytest.param({"ask": "sum"}, "bad-question", id="without its field"),
        pytest.param({"ask": "sum", "values": ["one"]}, "bad-question", id="with words for numbers"),
        pytest.param({"ask": "sum", "values": [], "self": 1}, "bad-question", id="with self"),
        pytest.param({"ask": "zeros", "size": MOST_BYTES + 1}, "answer-too-large", id="for too much"),
    ],
)
def test_what_is_no_question_is_refused_in_words(counting: Counting, question: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        counting.answer(question)
    assert refused.value.reason == reason


def test_the_version_changes_with_what_is_shown_and_with_what_one_may(counting: Counting) -> None:
    first = counting.version()
    assert counting.version() == first
    counting.answer({"ask": "sum", "values": []})
    second = counting.version()
    counting.share = replace(SHARE, download=True)
    assert len({first, second, counting.version()}) == 3


def test_data_says_what_it_is_whose_and_what_may_be_done(counting: Counting) -> None:
    data = counting.data()
    assert data["kind"] == "recording"
    assert data["reader"] == "ada"
    assert data["version"] == counting.version()
    assert data["can"] == {"download": False, "comment": False, "vote": False, "explore": True}


def test_what_a_browser_keeps_for_one_recording_of_a_share_is_not_kept_for_another(desk: StoredResults) -> None:
    shares = [replace(SHARE, id="5", what={"job": job}) for job in ("1", "2")]
    assert len({Counting(share, Reader(""), desk.desk).id for share in shares}) == 2


def test_a_kind_that_is_none_is_no_module(desk: StoredResults) -> None:
    with pytest.raises(InputError) as refused:
        open_page(replace(SHARE, kind="os"), Reader("ada"), desk.desk)
    assert refused.value.reason == "unknown-view"


@pytest.mark.parametrize(
    "job",
    [
        pytest.param("0" * 16, id="none"),
        pytest.param("../../etc/passwd", id="a path"),
        pytest.param("' or 1=1 --", id="sql"),
    ],
)
def test_a_job_that_is_not_there_is_gone(desk: StoredResults, job: str) -> None:
    with pytest.raises(InputError) as refused:
        open_page(own(OWNER, "recording", job), Reader(OWNER), desk.desk)
    assert refused.value.reason == "gone-result"


def test_what_a_share_names_is_looked_for_among_its_owners_things_only(desk: StoredResults) -> None:
    with pytest.raises(InputError) as refused:
        open_page(own("mallory", "recording", desk.fast.id), Reader("mallory"), desk.desk)
    assert refused.value.reason == "gone-result"


def test_the_package_and_the_contract_are_light() -> None:
    heavy = "torch", "bokeh", "panel", "jupyter_client", "ipykernel", "anywidget", "matplotlib"
    code = f"""
import speaksep_dashboards, sys
assert len([name for name in sys.modules if name.startswith("speaksep")]) == 1
import speaksep_dashboards.page, speaksep_dashboards.opening, speaksep_dashboards.desk, speaksep_dashboards.bundle
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
