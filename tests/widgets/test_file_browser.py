"""The files below a folder, and nothing outside it."""

import os
from pathlib import Path

import pytest

from speaksep_kernel.errors import InputError
from speaksep_widgets.file_browser import FileBrowser


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("b.wav", "A.FLAC", "notes.txt", ".hidden.wav", "day/one.mp3", "tracks/manifest.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"0" * 2000)
    (tmp_path / "secret.wav").write_bytes(b"")
    (root / "way-out.wav").symlink_to(tmp_path / "secret.wav")
    return root


@pytest.fixture
def opened() -> list[Path]:
    return []


@pytest.fixture
def browser(root: Path, opened: list[Path]) -> FileBrowser:
    return FileBrowser(root, opened.append)


def words(browser: FileBrowser) -> list[str]:
    return [text for text, _ in browser.entries.options]


def test_recordings_and_folders_are_shown(browser: FileBrowser) -> None:
    assert words(browser) == ["day/", "tracks (separation)", "A.FLAC, 2 kB", "b.wav, 2 kB"]
    browser.everything.value = True
    assert "notes.txt, 2 kB" in words(browser)


def test_walking_and_opening(browser: FileBrowser, root: Path, opened: list[Path]) -> None:
    browser.entries.value = root / "day"
    browser.open_button.click()
    assert words(browser) == ["one.mp3, 2 kB"]
    browser.entries.value = root / "day" / "one.mp3"
    browser.open_button.click()
    browser.up_button.click()
    browser.choose("tracks")
    assert browser.up_button.disabled
    assert opened == [root / "day" / "one.mp3", root / "tracks"]


@pytest.mark.parametrize("path", ["..", "../secret.wav", "/etc/passwd", "way-out.wav"])
def test_nothing_outside_is_opened(browser: FileBrowser, opened: list[Path], path: str) -> None:
    with pytest.raises(InputError) as caught:
        browser.choose(path)
    assert caught.value.reason == "outside"
    assert opened == []


def test_what_is_gone_or_not_chosen_is_said(browser: FileBrowser, root: Path, opened: list[Path]) -> None:
    browser.open_button.click()
    assert "nothing is chosen" in browser.word.value
    browser.entries.value = root / "b.wav"
    os.remove(root / "b.wav")
    browser.open_button.click()
    assert "not there" in browser.word.value
    browser.refresh_button.click()
    assert "b.wav, 2 kB" not in words(browser)
    assert opened == []


def test_a_root_must_be_a_folder(root: Path) -> None:
    with pytest.raises(InputError) as caught:
        FileBrowser(root / "b.wav")
    assert caught.value.reason == "not-a-folder"
