"""What one person sees of a table that many use: their jobs by the page, their batches, what happens to them."""

from collections.abc import Iterator

import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State


@pytest.fixture
def table(place: str) -> Iterator[JobTable]:
    with JobTable.open(place) as table:
        yield table


def asked(table: JobTable, owner: str, batch: str | None = None, count: int = 1, **values: object) -> list[Job]:
    return table.submit_many([JobRequest(notebook="n", owner=owner, batch=batch, **values) for _ in range(count)])  # type: ignore[arg-type]


def test_pages_of_jobs_hold_each_once_whatever_arrives_meanwhile(table: JobTable) -> None:
    mine = asked(table, "ann", count=5)
    asked(table, "bob", count=3)
    first = table.jobs(owner="ann", limit=2, newest_first=True)
    asked(table, "ann", count=2)
    second = table.jobs(owner="ann", limit=2, newest_first=True, before=first[-1].id)
    third = table.jobs(owner="ann", limit=2, newest_first=True, before=second[-1].id)
    assert [job.id for job in (*first, *second, *third)] == [job.id for job in reversed(mine)]
    assert table.jobs(before="no such job") == []


def test_a_job_is_found_by_its_whole_id_only(table: JobTable) -> None:
    (job,) = asked(table, "ann")
    assert table.find(job.id) == job
    assert table.find(job.id[:8]) is None


def test_batches_are_their_owners_newest_first_with_what_stands_where(table: JobTable) -> None:
    asked(table, "ann", "one", 3, about={"name": "May"})
    asked(table, "ann", "two", 1)
    asked(table, "bob", "three", 1)
    asked(table, "ann", "result/17", 1)
    asked(table, "ann", None, 1)
    table.cancel(table.jobs(batch="one")[0].id)
    assert [batch.id for batch in table.batches("ann")] == ["two", "one"]
    assert [batch.id for batch in table.batches("ann", limit=1)] == ["two"]
    (one,) = table.batches("ann", before="two")
    assert (one.id, one.about, one.counts[State.CANCELLED], one.counts[State.QUEUED]) == ("one", {"name": "May"}, 1, 2)
    assert table.batches("ann", only="one") == [one]
    assert table.batches("ann", only="three") == []
    assert table.batches("ann", only="result/17") == []


def test_events_say_whose_they_are_and_come_by_owner(table: JobTable) -> None:
    asked(table, "ann", count=2)
    (bobs,) = asked(table, "bob")
    assert [(event.owner, event.job_id) for event in table.events(owner="bob")] == [("bob", bobs.id)]
    newest = table.newest_event()
    assert newest == table.events()[-1].seq
    table.cancel(bobs.id)
    assert [event.state for event in table.events(newest)] == [State.CANCELLED]


def test_the_newest_event_of_a_batch_is_not_that_of_another(table: JobTable) -> None:
    (first,) = asked(table, "ann", batch="may")
    asked(table, "bob", batch="may")
    newest = table.newest_event(owner="ann", batch="may")
    asked(table, "ann", batch="june")
    assert table.newest_event(owner="ann", batch="may") == newest < table.newest_event(owner="bob", batch="may")
    table.cancel(first.id)
    assert table.newest_event(owner="ann", batch="may") == table.newest_event()
    assert table.newest_event(owner="nobody") == 0


def test_an_empty_table_has_no_newest_event(table: JobTable) -> None:
    assert table.newest_event() == 0


def test_what_is_kept_with_a_job_comes_back_and_is_json(table: JobTable) -> None:
    (job,) = asked(table, "ann", about={"kind": "edit", "pair": (1, 2)})
    found = table.get(job.id)
    assert found.about == {"kind": "edit", "pair": [1, 2]}
    assert found.to_dict()["about"] == found.about
    with pytest.raises(InputError, match="about of a job is"):
        asked(table, "ann", about={"x": float("nan")})
