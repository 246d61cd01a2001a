"""The shape of lines, what is carried, and what no line may have."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import speaksep_kernel
from speaksep_kernel.errors import InputError
from speaksep_kernel.logs.begin import FORMAT, LEVEL, handler_for, level
from speaksep_kernel.logs.carried import VARIABLE, as_variable, carried, carry, carrying, forget, request_name
from speaksep_kernel.logs.cleaned import DATA, LONGEST, PLACE, SECRET, cleaned, seen_path

CODE = Path(speaksep_kernel.__file__).parents[1]


class Log:
    """A logger that writes into memory."""

    def __init__(self, name: str) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger(name)
        self.logger.addHandler(handler_for("service", self.stream))

    def line(self) -> dict[str, Any]:
        (line,) = self.stream.getvalue().splitlines()
        return json.loads(line)


@pytest.fixture(autouse=True)
def _nothing_carried() -> Iterator[None]:
    forget()
    yield
    forget()


def test_a_line_says_when_what_who_and_for_which_request() -> None:
    log = Log("speaksep.service")
    with carrying(request_id="a-1", job_id="0123", user="vera"):
        log.logger.warning("disk %s", "full", extra={"free_bytes": 12, "path": "/services/x", "parts": ["a", 2]})
    line = log.line()
    assert line.pop("time").endswith("Z")
    assert list(line) == [
        "level",
        "part",
        "event",
        "request_id",
        "job_id",
        "user",
        "logger",
        "pid",
        "free_bytes",
        "path",
        "parts",
    ]
    assert (line["level"], line["part"], line["event"], line["user"]) == ("warning", "service", "disk full", "vera")
    assert (line["free_bytes"], line["path"], line["parts"], line["pid"]) == (12, "/services/x", ["a", 2], os.getpid())


def test_what_is_not_known_is_left_out() -> None:
    log = Log("speaksep.service")
    log.logger.info("begins", extra={"reason": None, "user": "", "sound": b"RIFF", "lane": object()})
    assert list(log.line()) == ["time", "level", "part", "event", "logger", "pid"]


def test_extra_fields_of_libraries_are_not_ours_to_show() -> None:
    log = Log("websockets.server")
    log.logger.info("open", extra={"websocket": "cookie"})
    assert "websocket" not in log.line()


def test_an_exception_is_kinds_words_and_places_and_nothing_of_values() -> None:
    log = Log("speaksep.service")
    voice = "of-ann"
    try:
        try:
            Path("/home/ann/of ann.wav").read_bytes()
        except OSError as error:
            raise InputError(f"no sound in '/home/ann/{voice}.wav'", reason="bad-sound", hint="look") from error
    except InputError:
        log.logger.exception("request %s failed", "a-1")
    error = log.line()["error"]
    assert error["type"] == "speaksep_kernel.errors.InputError"
    assert (error["message"], error["reason"]) == (f"no sound in '{PLACE}' — look", "bad-sound")
    assert error["frames"][-1].endswith("in test_an_exception_is_kinds_words_and_places_and_nothing_of_values")
    assert error["because"]["type"] == "FileNotFoundError"
    assert "ann" not in log.stream.getvalue()


def test_people_read_words_and_machines_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORMAT, "text")
    log = Log("speaksep.service")
    log.logger.error("disk full\nroot: signed in", extra={"free_bytes": 0})
    (line,) = log.stream.getvalue().splitlines()
    assert "disk full root: signed in" in line
    assert "free_bytes=0" in line


def test_lines_for_a_terminal_are_words(tmp_path: Path) -> None:
    code = "from speaksep_kernel.logs.begin import log_to; import logging; log_to('worker'); logging.error('here I am')"
    leader, follower = os.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=follower, check=True, timeout=60)
    os.close(follower)
    said = os.read(leader, 4096).decode()
    os.close(leader)
    assert "here I am" in said
    assert "worker" in said
    assert not said.startswith("{")


def test_what_ends_a_process_or_a_thread_and_warnings_have_the_shape() -> None:
    code = (
        "from speaksep_kernel.logs.begin import log_to; import threading, warnings; log_to('worker');"
        "warnings.warn('old'); t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); {}['talk']"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "error", "critical"]
    assert [line.get("error", {}).get("type") for line in lines] == [None, "ZeroDivisionError", "KeyError"]
    assert done.returncode == 1


@pytest.mark.parametrize(("variable", "said"), [(FORMAT, "xml"), (LEVEL, "loud")])
def test_settings_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    monkeypatch.setenv(variable, said)
    with pytest.raises(InputError, match=f"{variable} is '{said}'"):
        handler_for("service", io.StringIO()).setLevel(level())


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("GET /hub/login?next=%2F&code=9a7", "GET /hub/login?…", id="a query"),
        pytest.param("Authorization: Bearer abcdefgh12", f"Authorization: {SECRET}", id="a header"),
        pytest.param("tried Bearer abcdefgh12", f"tried Bearer {SECRET}", id="a bearer"),
        pytest.param("{'api_token': 'abcd1234'}", f"{{'api_token': '{SECRET}'}}", id="a field"),
        pytest.param("redis://ann:word@host/0", "redis://…@host/0", id="a password in a URL"),
        pytest.param("eyJhbGciOi.eyJzdWIi.c2lnbmF0", SECRET, id="a signed token"),
        pytest.param("no file '/home/ann/my talk.wav'", f"no file '{PLACE}'", id="a path in quotes"),
        pytest.param("opens /home/ann/talk.wav now", f"opens {PLACE} now", id="a path"),
        pytest.param("opens file:///tmp/talk.wav", f"opens {PLACE}", id="a file URL"),
        pytest.param(f'File "{CODE}/speaksep_kernel/errors.py"', 'File "speaksep_kernel/errors.py"', id="code"),
        pytest.param("GET /services/speaksep/api 200", "GET /services/speaksep/api 200", id="an address"),
        pytest.param("http://127.0.0.1:80/services/x/", "http://127.0.0.1:80/services/x/", id="a URL"),
        pytest.param("GET /user/ann/files/my%20talk.wav", "GET /user/ann/files/…", id="in a server"),
        pytest.param("array([0.12, -0.5, 0.25, 0.125, 0.5, 0.75, 1.0])", f"array([{DATA}1.0])", id="samples"),
        pytest.param("UklGRiQAAABXQVZF" * 12, DATA, id="sound in base64"),
        pytest.param("two\nlines\x1b[31m", "two lines [31m", id="controls"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_texts_are_cleaned(text: str, seen: str) -> None:
    assert cleaned(text) == seen


def test_words_made_by_chance_are_secrets_where_others_write() -> None:
    token = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    assert cleaned(f"made {token}", random=True) == f"made {SECRET}"
    assert cleaned("Kernel 85b576e8-501a-44fa-979b-8af6aa32648d", random=True).endswith("8af6aa32648d")


def test_secrets_of_the_environment_are_known_by_heart() -> None:
    code = "from speaksep_kernel.logs.cleaned import cleaned; print(cleaned('it is open-sesame, you know'))"
    told = {**os.environ, "SPEAKSEP_HUB__SECRETS__COOKIE": "open-sesame"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == f"it is {SECRET}, you know"


def test_a_long_text_is_data() -> None:
    assert len(cleaned("word " * 10_000)) == LONGEST + 1


def test_what_is_in_somebodys_server_is_not_in_a_path() -> None:
    assert seen_path("/user/ann/api/contents/a b/c.wav") == "/user/ann/api/contents/…"
    assert seen_path("/user/ann/api") == "/user/ann/api"
    assert seen_path("/x/\n2026 root") == "/x/\\n2026%20root"


@pytest.mark.parametrize("given", [None, b"", b"a b", b"x" * 65, "a\nb", b"\xff"], ids=repr)
def test_a_request_gets_a_name_if_it_brought_none_that_is_fit(given: bytes | str | None) -> None:
    assert len(request_name(given)) == 32
    assert request_name(b"From.a_proxy-1") == "From.a_proxy-1"


def test_what_is_carried_stays_in_its_task() -> None:
    carry(request_id="a", user="")
    seen: list[dict[str, str]] = []
    thread = threading.Thread(target=lambda: seen.append(dict(carried())))
    with carrying(job_id="b"):
        thread.start()
        thread.join()
        assert dict(carried()) == {"job_id": "b"}
    assert (dict(carried()), seen) == ({"request_id": "a"}, [{}])


def test_a_process_carries_on_what_it_is_told_in_all_of_its_threads() -> None:
    code = (
        "from speaksep_kernel.logs.begin import join; import logging, threading; join();"
        "t = threading.Thread(target=lambda: logging.warning('here')); t.start(); t.join()"
    )
    with carrying(request_id="a-1", job_id="0123", user="vera"):
        told = {**os.environ, VARIABLE: as_variable("kernel")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True, timeout=60
    )
    line = json.loads(done.stderr)
    assert (line["part"], line["request_id"], line["job_id"], line["user"]) == ("kernel", "a-1", "0123", "vera")


@pytest.mark.parametrize("said", ["", "{", "[]", '{"user": "ann"}'], ids=repr)
def test_nonsense_in_the_environment_is_nothing(said: str) -> None:
    code = "from speaksep_kernel.logs.carried import taken_over; print(taken_over())"
    told = {**os.environ, VARIABLE: said}
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "None"
