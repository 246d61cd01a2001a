"""The catalogue: whose is what, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.catalogue.tables import SCHEMA, metadata
from speaksep_kernel.catalogue.values import Quota, StoredRecording
from speaksep_kernel.errors import CapacityError, InputError, SpeakSepError, StoreError
from speaksep_kernel.jobs import database
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.recording.inspection import Sound
from speaksep_kernel.store import keys

SOUND = Sound(seconds=2.0, rate_hz=16000, channels=1, format="WAV")
A, B = "aa" * 32, "bb" * 32


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(empty_place: str, clock: Clock) -> Iterator[Catalogue]:
    with Catalogue.open(empty_place, clock=clock) as catalogue:
        yield catalogue


def add(
    catalogue: Catalogue, owner: str = "ann", sha256: str = A, *, size: int = 100, name: str = "talk.wav", **more: Any
) -> tuple[StoredRecording, bool]:
    with catalogue.claim(sha256) as claim:
        return catalogue.add(owner, name, claim, size, SOUND, **more)


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(SpeakSepError) as error:
        what()
    assert error.value.hint
    return error.value.reason


def test_migrations_make_exactly_the_tables_of_the_code(empty_place: str) -> None:
    Catalogue.open(empty_place).close()
    engine = database.engine_of(database.url_of(empty_place), patience_s=5)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "version_table": SCHEMA.version_table}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == SCHEMA.revision
    database.migrate(engine, "base", SCHEMA)
    database.migrate(engine, schema=SCHEMA)
    engine.dispose()


def test_it_shares_a_database_with_the_jobs(empty_place: str) -> None:
    with Catalogue.open(empty_place) as catalogue, JobTable.open(empty_place) as jobs:
        add(catalogue)
        assert (len(catalogue.recordings("ann")), jobs.jobs()) == (1, [])
    with Catalogue.open(empty_place) as catalogue:
        assert len(catalogue.recordings("ann")) == 1


def test_a_recording_is_its_owners_alone(catalogue: Catalogue) -> None:
    mine, new = add(catalogue)
    assert (new, mine.name, mine.bytes, mine.seconds, mine.created_at) == (True, "talk.wav", 100, 2.0, 1000.0)
    assert catalogue.get("ann", mine.id) == mine
    assert catalogue.find("ann", A) == mine
    for theirs in ("bob", "ANN", "ann "):
        assert refused(lambda owner=theirs: catalogue.get(owner, mine.id)) == "unknown-recording"
        assert catalogue.find(theirs, A) is None
        assert catalogue.recordings(theirs) == []
        assert refused(lambda owner=theirs: catalogue.remove(owner, mine.id, print)) == "unknown-recording"
    assert catalogue.get("ann", mine.id) == mine


def test_the_same_bytes_are_one_recording_of_each_owner(catalogue: Catalogue) -> None:
    mine, _ = add(catalogue)
    again, new = add(catalogue, name="other.wav")
    theirs, theirs_new = add(catalogue, "bob", name="bob.wav")
    assert (again, new) == (mine, False)
    assert (theirs.name, theirs_new, theirs.id != mine.id) == ("bob.wav", True, True)


def test_lists_go_page_by_page_from_the_newest(catalogue: Catalogue) -> None:
    made = [add(catalogue, sha256=f"{number:064x}")[0] for number in range(5)]
    add(catalogue, "bob")
    first = catalogue.recordings("ann", limit=3)
    rest = catalogue.recordings("ann", limit=3, before=first[-1].number)
    assert [*first, *rest] == made[::-1]


def test_bytes_go_with_the_last_who_has_them_and_names_with_the_last_who_uses_them(catalogue: Catalogue) -> None:
    gone: list[str] = []
    ann, bob, cleo = (
        add(catalogue, owner, name=name)[0] for owner, name in [("ann", "a.wav"), ("bob", "b.wav"), ("cleo", "a.wav")]
    )
    catalogue.remove("ann", ann.id, gone.append)
    assert gone == []
    catalogue.remove("bob", bob.id, gone.append)
    assert gone == [keys.named(A, "b.wav")]
    catalogue.remove("cleo", cleo.id, gone.append)
    assert gone[1:] == [keys.named(A, "a.wav"), keys.blob(A)]


def test_bytes_that_are_being_stored_are_spared(catalogue: Catalogue, clock: Clock) -> None:
    gone: list[str] = []
    mine, _ = add(catalogue)
    with catalogue.claim(A):
        catalogue.remove("ann", mine.id, gone.append)
        assert keys.blob(A) not in gone
        catalogue.unclaimed(A, gone.append)
        assert keys.blob(A) not in gone
    catalogue.unclaimed(A, gone.append)
    assert keys.blob(A) in gone
    catalogue.claim(B).__enter__()  # whoever stored these was killed
    clock.now += 90_000
    catalogue.unclaimed(B, gone.append)
    assert keys.blob(B) in gone


def test_what_cannot_be_removed_stays_known(catalogue: Catalogue) -> None:
    mine, _ = add(catalogue)

    def fail(key: str) -> None:
        raise StoreError("away", reason="store-failed", hint="wait")

    assert refused(lambda: catalogue.remove("ann", mine.id, fail)) == "store-failed"
    assert catalogue.get("ann", mine.id) == mine


def test_quotas_count_recordings_and_announced_uploads(catalogue: Catalogue) -> None:
    quota = Quota(bytes=1000, recordings=3)
    add(catalogue, size=600, quota=quota)
    assert refused(lambda: add(catalogue, sha256=B, size=401, quota=quota)) == "quota-bytes"
    begin = lambda length: catalogue.uploads.begin("ann", "long.wav", length, keep_s=60, quota=quota)  # noqa: E731
    upload = begin(400)
    assert refused(lambda: add(catalogue, sha256=B, size=1, quota=quota)) == "quota-bytes"
    assert refused(lambda: begin(1)) == "quota-bytes"
    assert catalogue.usage("ann").announced_bytes == 400
    made, _ = add(catalogue, sha256=B, size=400, quota=quota, upload=upload.id)
    assert catalogue.uploads.get("ann", upload.id).recording == made.id
    assert (catalogue.usage("ann").bytes, catalogue.usage("ann").announced_bytes) == (1000, 0)
    add(catalogue, "bob", size=1000, quota=quota)
    add(catalogue, size=600, quota=quota)  # known: it takes no more
    few = Quota(recordings=2)
    assert refused(lambda: add(catalogue, sha256="cc" * 32, quota=few)) == "quota-recordings"
    assert refused(lambda: catalogue.check_quota("ann", 1, quota)) == "quota-bytes"


def test_a_quota_is_exact_however_many_come_at_once(catalogue: Catalogue) -> None:
    outcomes: list[str] = []

    def bring(number: int) -> None:
        try:
            add(catalogue, sha256=f"{number:064x}", size=100, quota=Quota(bytes=500))
            outcomes.append("kept")
        except CapacityError as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("kept"), outcomes.count("quota-bytes")) == (5, 7)
    assert catalogue.usage("ann").bytes == 500


def test_time_is_up_when_it_is_up_and_sending_again_gives_more(catalogue: Catalogue, clock: Clock) -> None:
    mine, _ = add(catalogue, keep_s=60)
    kept, _ = add(catalogue, sha256=B)
    clock.now += 30
    assert add(catalogue, keep_s=60)[0].expires_at == clock.now + 60
    clock.now += 59
    assert catalogue.expired() == []
    clock.now += 1
    assert [each.id for each in catalogue.expired()] == [mine.id]
    assert kept.expires_at is None
    assert add(catalogue, sha256=B, keep_s=1)[0].expires_at is None


def test_pieces_follow_each_other_and_of_two_the_first_counts(catalogue: Catalogue) -> None:
    upload = catalogue.uploads.begin("ann", "long.wav", 10, keep_s=60, sha256=A)
    assert (upload.received, upload.length, upload.sha256, upload.recording) == (0, 10, A, None)
    further = catalogue.uploads.advance(upload, 0, 4, "uploads/x/one", keep_s=60)
    assert further.received == 4
    assert refused(lambda: catalogue.uploads.advance(upload, 0, 9, "uploads/x/late", keep_s=60)) == "offset-conflict"
    assert refused(lambda: catalogue.uploads.advance(upload, 5, 5, "uploads/x/gap", keep_s=60)) == "offset-conflict"
    catalogue.uploads.advance(upload, 4, 6, "uploads/x/two", keep_s=60)
    assert catalogue.uploads.places(upload.id) == ["uploads/x/one", "uploads/x/two"]
    assert catalogue.uploads.get("ann", upload.id).received == 10
    catalogue.uploads.drop(upload.id)
    assert catalogue.uploads.places(upload.id) == []


def test_an_upload_is_its_owners_alone_and_ends_with_its_time(catalogue: Catalogue, clock: Clock) -> None:
    upload = catalogue.uploads.begin("ann", "long.wav", 10, keep_s=60)
    assert refused(lambda: catalogue.uploads.get("bob", upload.id)) == "unknown-upload"
    clock.now += 50
    catalogue.uploads.advance(upload, 0, 4, "uploads/x/one", keep_s=60)
    clock.now += 50
    assert catalogue.uploads.expired() == []
    clock.now += 10
    assert refused(lambda: catalogue.uploads.get("ann", upload.id)) == "unknown-upload"
    assert [each.id for each in catalogue.uploads.expired()] == [upload.id]


def test_an_upload_with_a_key_is_begun_once(catalogue: Catalogue) -> None:
    begin = lambda length, owner="ann": catalogue.uploads.begin(owner, "long.wav", length, keep_s=60, key="k")  # noqa: E731
    assert begin(10).id == begin(10).id
    assert begin(10, "bob").id != begin(10).id
    with pytest.raises(InputError) as error:
        begin(11)
    assert error.value.reason == "key-conflict"


def test_everybody_who_keeps_something_is_named(catalogue: Catalogue) -> None:
    add(catalogue, "zoe")
    catalogue.uploads.begin("ann", "long.wav", 10, keep_s=60)
    assert catalogue.owners() == ["ann", "zoe"]


def test_a_closed_catalogue_opens_anew(empty_sqlite: str) -> None:
    with closing(Catalogue.open(empty_sqlite)) as catalogue:
        catalogue.close()
        assert catalogue.recordings("ann") == []
        assert catalogue.url == empty_sqlite
