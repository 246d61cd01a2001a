"""The folder of a platform: secrets that are made once and read by nobody else, one platform at a time."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from speaksep_hub.local.folder import Folder
from speaksep_kernel.errors import InputError, StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.open(tmp_path / "hub")


def secret_of(path: str) -> str:
    return Folder.open(Path(path)).secret("cookie")


def test_everything_is_for_this_user_alone(folder):
    folder.secret("cookie")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder.path, *folder.path.rglob("*")]}
    assert {path: mode for path, mode in modes.items() if mode & 0o077} == {}


def test_a_secret_is_made_once(folder):
    first = folder.secret("cookie")
    assert len(bytes.fromhex(first)) == 32
    assert Folder.open(folder.path).secret("cookie") == first
    assert folder.secret("proxy") != first


def test_those_who_come_at_once_agree(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(secret_of, [str(tmp_path / "hub")] * 16)
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "hub" / "secrets").iterdir()] == ["cookie"]


def test_a_secret_that_others_may_read_is_refused(folder):
    folder.secret_file("cookie").chmod(0o644)
    with pytest.raises(StoreError, match="others may read the secret") as caught:
        folder.secret("cookie")
    assert caught.value.reason == "unsafe-secret"


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    (tmp_path / "hub").mkdir(mode=0o755)
    with pytest.raises(StoreError, match="mode 0755") as caught:
        Folder.open(tmp_path / "hub")
    assert caught.value.reason == "unsafe-folder"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "hub").touch()
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Folder.open(tmp_path / "hub")
    assert caught.value.reason == "folder-failed"


def test_one_platform_at_a_time(folder):
    lock = folder.claim(url="http://127.0.0.1:1234")
    with pytest.raises(InputError, match=f"as process {os.getpid()}") as caught:
        folder.claim(url="http://127.0.0.1:5678")
    assert caught.value.reason == "already-up"
    assert "http://127.0.0.1:1234" in caught.value.hint
    os.close(lock)
    os.close(folder.claim(url="http://127.0.0.1:5678"))
