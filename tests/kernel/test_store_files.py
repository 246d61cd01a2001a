"""The store: the same promises in a directory and on a real S3 server."""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from speaksep_kernel.errors import CapacityError, InputError, StoreError
from speaksep_kernel.store import copies, keys
from speaksep_kernel.store.store import Store, at
from tests.kernel.s3_server import S3Server

TALK = b"RIFF talk " * 1000
SHA256 = hashlib.sha256(TALK).hexdigest()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def remote_store(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return Store.open(s3.bucket(), cache=tmp_path / "copies")


@pytest.fixture
def directory_store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture(params=["directory", "remote"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


def kept(store: Store, data: bytes = TALK) -> str:
    with store.incoming("talk.wav") as file:
        for at_byte in range(0, len(data), 3000):
            file.write(data[at_byte : at_byte + 3000])
        return store.keep(file)


def test_what_is_kept_is_found_by_its_hash_and_read_back(store: Store) -> None:
    key = kept(store)
    assert key == keys.blob(SHA256)
    assert store.local(key).read_bytes() == TALK
    assert b"".join(store.read(key)) == TALK
    assert (store.exists(key), store.size_bytes(key)) == (True, len(TALK))


def test_the_same_bytes_are_there_once(store: Store) -> None:
    assert kept(store) == kept(store)
    assert len(store.files("blobs/" + SHA256[:2])) == 1


def test_a_name_is_another_way_to_the_same_bytes(store: Store) -> None:
    kept(store)
    for _ in range(2):
        key = store.name(SHA256, "../../meeting ü.wav")
    path = store.local(key)
    assert (path.name, path.read_bytes()) == ("meeting ü.wav", TALK)
    assert store.key_of(store.address(key)) == key


def test_what_was_not_kept_leaves_nothing(store: Store) -> None:
    with store.incoming("talk.wav") as file:
        file.write(TALK)
        path = file.path
    assert not path.exists()
    assert not store.exists(keys.blob(SHA256))


def test_what_is_removed_is_gone_and_removing_it_again_is_harmless(store: Store) -> None:
    key = kept(store)
    for _ in range(2):
        store.remove(key)
    assert not store.exists(key)
    with pytest.raises(StoreError) as error:
        store.local(key)
    assert error.value.reason == "not-stored"


def test_folders_of_results_are_copied_listed_and_removed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "result"
    (folder / "tracks").mkdir(parents=True)
    (folder / "tracks" / "speaker_1.flac").write_bytes(b"one")
    (folder / "tracks" / "manifest.json").write_bytes(b"{}")
    key = keys.result("ann", "job-1")
    store.put_tree(folder, key)
    assert store.files(key) == {"tracks/manifest.json": 2, "tracks/speaker_1.flac": 3}
    assert store.files(keys.owned("ann")) == {f"job-1/{name}": size for name, size in store.files(key).items()}
    assert store.children(keys.owned("ann")) == [key]
    assert store.local(f"{key}/tracks/speaker_1.flac").read_bytes() == b"one"
    store.write(f"{key}0/manifest.json", b"{}")
    store.remove(key)
    assert (store.files(key), store.children(keys.owned("ann"))) == ({}, [f"{key}0"])


def test_a_file_that_was_replaced_is_read_anew(store: Store) -> None:
    key = f"{keys.result('ann', 'job')}/edits.json"
    for content in (b"first", b"other"):
        store.write(key, content)
        assert store.local(key).read_bytes() == content


def test_a_store_travels_to_another_process(store: Store) -> None:
    key = kept(store)
    assert pickle.loads(pickle.dumps(store)).local(key).read_bytes() == TALK


def test_it_is_reachable(store: Store) -> None:
    store.check()


def test_more_bytes_than_allowed_are_refused_while_they_come(store: Store) -> None:
    with store.incoming("talk.wav", 5000) as file:
        file.write(TALK[:5000])
        with pytest.raises(CapacityError) as error:
            file.write(b"x")
    assert error.value.reason == "too-many-bytes"


@pytest.mark.parametrize(
    "key",
    ["blobs/../../etc/passwd", "/etc/passwd", "blobs", "results//x", "other/x", "blobs/a\0b", "", "results/./x"],
    ids=["up", "absolute", "a room", "empty segment", "no room", "nul", "nothing", "dot"],
)
def test_what_is_no_key_is_refused(directory_store: Store, key: str) -> None:
    for use in (directory_store.local, directory_store.remove, directory_store.address, directory_store.exists):
        with pytest.raises(InputError) as error:
            use(key)
        assert error.value.reason == "bad-key"


@pytest.mark.parametrize("address", ["/etc/passwd", "{root}x/blobs/aa/b", "{root}/../x", "s3://other/blobs/x"], ids=str)
def test_addresses_elsewhere_are_refused(directory_store: Store, address: str) -> None:
    with pytest.raises(InputError) as error:
        directory_store.key_of(address.format(root=directory_store.url))
    assert error.value.reason == "bad-key"


@pytest.mark.parametrize("owner", ["../../root", "a/b", "", "ann\n", "é" * 500, "\udc80"], ids=ascii)
def test_owners_never_become_paths_and_never_meet(owner: str) -> None:
    found = {keys.checked(keys.result(each, "job")) for each in (owner, owner + "x", owner.upper() + "y")}
    assert len(found) == 3
    assert all(key.count("/") == 2 for key in found)


def test_a_directory_is_closed_to_others(directory_store: Store) -> None:
    path = directory_store.local(kept(directory_store))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    folders = [Path(directory_store.url), *path.parents[:2]]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@pytest.mark.parametrize("url", ["s3://key:secret@host/x", "s3://", "s3://b/x?secret=1", "nosuch://x/y"], ids=str)
def test_a_bad_address_is_refused_without_showing_a_secret(url: str) -> None:
    with pytest.raises(InputError) as error:
        Store.open(url).check()
    assert error.value.reason == "bad-store"
    assert "secret" not in error.value.error


def test_a_place_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        Store.open(tmp_path / "file" / "store")


def test_files_that_nobody_brings_any_more_are_removed(directory_store: Store) -> None:
    old, new = directory_store.incoming("old"), directory_store.incoming("new")
    os.utime(old.path, (1, 1))
    assert directory_store.remove_abandoned() == 1
    assert (old.path.exists(), new.path.exists()) == (False, True)
    new.close()
    old.close()


def test_an_address_from_the_store_itself_serves_parts_under_the_right_name(remote_store: Store) -> None:
    key = kept(remote_store)
    link = remote_store.link(key, name="talk ü.wav", media_type="audio/wav", seconds=60)
    assert link is not None
    answer = httpx.get(link, headers={"Range": "bytes=5-8"})
    assert (answer.status_code, answer.content) == (206, TALK[5:9])
    whole = httpx.get(link)
    assert whole.content == TALK
    assert whole.headers["content-type"] == "audio/wav"
    assert "talk%20%C3%BC.wav" in whole.headers["content-disposition"]


def test_addresses_are_given_only_where_that_is_allowed(remote_store: Store, directory_store: Store) -> None:
    key = kept(remote_store)
    kept(directory_store)
    shy = Store.open(remote_store.url, presigned=False)
    assert shy.link(key, name="talk.wav", media_type="audio/wav") is None
    assert directory_store.link(key, name="talk.wav", media_type="audio/wav") is None


def test_an_address_in_a_store_leads_back_to_it(remote_store: Store) -> None:
    key = remote_store.name(kept(remote_store).rpartition("/")[2], "talk.wav")
    found, where = at(remote_store.address(key))
    assert (found.url, where) == (remote_store.url, key)
    with pytest.raises(InputError):
        at("https://example.org/talk.wav")


def test_copies_are_made_once_and_the_longest_unused_go_first(
    remote_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = kept(remote_store, b"a" * 6000), kept(remote_store, b"b" * 6000)
    monkeypatch.setenv("SPEAKSEP_STORE_CACHE_BYTES", "10000")
    kept_by = Store.open(remote_store.url, cache=tmp_path / "small")
    path = kept_by.local(first)
    assert kept_by.local(first) == path
    monkeypatch.setattr(copies, "FRESH_S", -1.0)
    os.utime(path.parent, (1, 1))
    assert kept_by.local(second).read_bytes() == b"b" * 6000
    assert not path.exists()


def test_a_server_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError) as error:
        Store.open("s3://b/x", cache=tmp_path).check()
    assert error.value.reason == "store-unreachable"
