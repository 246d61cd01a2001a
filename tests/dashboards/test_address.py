"""What an address may say, and who may have what it means."""

from __future__ import annotations

import pytest

from speaksep_dashboards.address import Address, find
from speaksep_dashboards.page import Reader
from speaksep_kernel.errors import InputError
from tests.dashboards.stored_results import OWNER, StoredResults

ADA, VERA = Reader(OWNER), Reader("vera", frozenset({"staff"}))
ADMIN = Reader("root", admin=True)


@pytest.mark.parametrize(
    ("kind", "query", "front"),
    [
        pytest.param("recording", {"share": ["a1"]}, "share/a1/", id="a share"),
        pytest.param("recording", {"mine": ["b2"]}, "mine/recording/b2/", id="one's own"),
        pytest.param("recording", {"mine": ["recording/b2"]}, "mine/recording/b2/", id="one's own, with its kind"),
        pytest.param("recording", {"share": ["a1"], "within": ["b2"]}, "share/a1/recording/b2/", id="one of many"),
        pytest.param("compare", {"mine": ["b2..c3"], "share": [""]}, "mine/compare/b2..c3/", id="two takes"),
        pytest.param("operations", {"mine": [""]}, "operations/", id="the platform"),
    ],
)
def test_an_address_is_that_of_the_front_too(kind: str, query: dict[str, list[str]], front: str) -> None:
    assert Address.of(kind, query).front == front


@pytest.mark.parametrize(
    ("kind", "query", "reason"),
    [
        pytest.param("workbench", {"share": ["a"]}, "unknown-view", id="no such view"),
        pytest.param("../recording", {"share": ["a"]}, "unknown-view", id="a path"),
        pytest.param("recording", {}, "bad-address", id="of nothing"),
        pytest.param("recording", {"share": ["a"], "mine": ["b"]}, "bad-address", id="of two things"),
        pytest.param("recording", {"share": ["a", "b"]}, "bad-address", id="a name twice"),
        pytest.param("recording", {"share": ["a" * 201]}, "bad-address", id="too long"),
        pytest.param("recording", {"share": ["a"], "ticket": ["x"]}, "bad-address", id="a ticket"),
        pytest.param("recording", {"share": ["a"], "theme": ["dark"]}, "bad-address", id="a theme"),
        pytest.param("batch", {"share": ["a"], "within": ["b"]}, "bad-address", id="a batch within"),
        pytest.param("recording", {"mine": ["a"], "within": ["b"]}, "bad-address", id="one's own within"),
        pytest.param("operations", {"share": ["a"]}, "bad-address", id="operations shared"),
    ],
)
def test_an_address_that_means_nothing_is_refused(kind: str, query: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        Address.of(kind, query)
    assert caught.value.reason == reason


def test_a_share_is_found_for_whom_it_is(desk: StoredResults) -> None:
    share = desk.desk.catalogue.shares.create(OWNER, "recording", {"job": desk.fast.id}, groups=["staff"])
    address = Address("recording", share=share.id)
    assert find(address, VERA, desk.desk).what == {"job": desk.fast.id}
    for stranger in (Reader("otto"), Reader(""), ADMIN):
        with pytest.raises(InputError, match="no share"):
            find(address, stranger, desk.desk)


def test_a_share_of_another_kind_is_not_shown_in_its_place(desk: StoredResults) -> None:
    share = desk.desk.catalogue.shares.create(OWNER, "recording", {"job": desk.fast.id}, users=["vera"])
    with pytest.raises(InputError) as caught:
        find(Address("collection", share=share.id), VERA, desk.desk)
    assert caught.value.reason == "bad-address"


def test_ones_own_is_looked_for_among_ones_own(desk: StoredResults) -> None:
    assert find(Address("recording", mine=desk.fast.id), ADA, desk.desk).owner == OWNER
    assert find(Address("recording", mine=desk.fast.id), VERA, desk.desk).owner == "vera"


def test_how_the_platform_does_is_for_administrators(desk: StoredResults) -> None:
    assert find(Address("operations"), ADMIN, desk.desk).kind == "operations"
    with pytest.raises(InputError) as caught:
        find(Address("operations"), ADA, desk.desk)
    assert caught.value.reason == "not-allowed"
