"""What parts write becomes lines of one shape in files that stay small; requests of Tornado's servers have names."""

from __future__ import annotations

import asyncio
import json
import logging.config
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tornado.httpclient import HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from speaksep_hub.logs import book
from speaksep_hub.logs.book import Logbook
from speaksep_hub.logs.lines import line_of, words_of
from speaksep_hub.logs.read import lines
from speaksep_hub.logs.tornado import request_log
from speaksep_hub.protection.tornado import secured
from speaksep_kernel.cli import main
from speaksep_kernel.logs.begin import FORMAT, LEVEL, PART
from speaksep_kernel.logs.carried import NAMES, carried
from speaksep_kernel.logs.cleaned import PLACE, SECRET
from speaksep_kernel.logs.shape import FIRST

PAGE = Path(__file__).parents[2] / "docs" / "logs.md"
OURS = b'{"time": "2026-01-01T00:00:00.000Z", "level": "info", "part": "server", "event": "begins"}'


@pytest.mark.parametrize(
    ("written", "level", "event"),
    [
        pytest.param('{"level":"warn","time":"x","message":"no /home/ann/k"}', "warning", f"no {PLACE}", id="traefik"),
        pytest.param('ts=x caller=y level=error msg="no \\"disk\\""', "error", 'no "disk"', id="prometheus"),
        pytest.param(
            "SpeakSep: http://127.0.0.1:1/?token=abc", "info", "SpeakSep: http://127.0.0.1:1/?…", id="a print"
        ),
        pytest.param("token=abcdefgh", "info", f"token={SECRET}", id="a secret"),
        pytest.param("[1, 2]", "info", "[1, 2]", id="JSON of another kind"),
        pytest.param('{"level": 7, "msg": ""}', "info", '{"level": 7, "msg": ""}', id="JSON without words"),
    ],
)
def test_what_others_write_gets_the_shape(written: str, level: str, event: str) -> None:
    line = json.loads(line_of(written.encode(), "proxy"))
    assert list(line)[:4] == ["time", "level", "part", "event"]
    assert (line["level"], line["part"], line["event"]) == (level, "proxy", event)


def test_what_has_the_shape_stays_as_it_is() -> None:
    assert line_of(OURS, "hub") == OURS


def test_the_error_of_a_program_is_kept() -> None:
    line = json.loads(line_of(b'{"level":"error","error":"no route to /root/x","message":"failed"}', "proxy"))
    assert (line["event"], line["error"]) == ("failed", f"no route to {PLACE}")
    assert words_of(json.dumps(line)) == f"failed: no route to {PLACE}"


def test_a_book_keeps_whole_lines_of_each_part_apart(tmp_path: Path) -> None:
    kept = Logbook(lambda words: None)
    hub, proxy = (kept.page(name, tmp_path / f"{name}.log") for name in ("hub", "proxy"))
    os.write(hub, OURS[:30])
    os.write(proxy, b"up\n\n")
    kept.read()
    assert (tmp_path / "hub.log").read_bytes() == b""
    os.write(hub, OURS[30:] + b"\nlast words")
    assert kept.page("hub", tmp_path / "hub.log") == hub
    kept.close()
    first, last = (tmp_path / "hub.log").read_bytes().splitlines()
    assert (first, json.loads(last)["event"]) == (OURS, "last words")
    assert json.loads((tmp_path / "proxy.log").read_bytes())["event"] == "up"


def test_a_file_that_is_large_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "LARGEST_BYTES", 100)
    kept = Logbook(lambda words: None)
    page = kept.page("hub", tmp_path / "hub.log")
    for number in range(4):
        os.write(page, f"line {number} {'x' * 60}\n".encode())
        kept.read()
    kept.close()
    assert [json.loads((tmp_path / name).read_bytes())["event"][:6] for name in ("hub.old.log", "hub.log")] == [
        "line 2",
        "line 3",
    ]


def test_a_log_that_cannot_be_kept_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    kept = Logbook(said.append)
    page = kept.page("hub", tmp_path / "gone" / "hub.log")
    for _ in range(3):
        os.write(page, b"words\n")
        kept.read()
    (tmp_path / "gone").mkdir()
    os.write(page, b"words\n")
    kept.close()
    assert said == ["logs cannot be kept: No such file or directory"]
    assert len((tmp_path / "gone" / "hub.log").read_bytes().splitlines()) == 1


class Names(RequestHandler):
    def get(self) -> None:
        self.finish(carried().get("request_id", ""))


def test_requests_of_tornado_have_names(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "speaksep.requests")
    counted: list[Any] = []
    own, other, missing = asyncio.run(asked(counted))
    assert (own.body, own.headers["X-Request-Id"]) == (b"mine-1", "mine-1")
    assert other.body.decode() == other.headers["X-Request-Id"] != "not good"
    assert len(missing.headers["X-Request-Id"]) == 32
    told = [vars(record) for record in caplog.records]
    assert [(each["path"], each["status"]) for each in told] == [("/user/ann/files/…", 200), ("/nothing", 404)]
    assert len(counted) == 3


async def asked(counted: list[Any]) -> tuple[HTTPResponse, HTTPResponse, HTTPResponse]:
    """Three requests: with a name, with one that is none, and for nothing."""
    log = request_log(counted.append, often=True)
    application = Application([(r"/user/ann/files/.*", Names)], transforms=secured({}), log_function=log)
    listener, port = bind_unused_port()
    server = HTTPServer(application)
    server.add_socket(listener)
    client = SimpleAsyncHTTPClient(force_instance=True)
    address = f"http://127.0.0.1:{port}/user/ann/files/talk.wav"
    try:
        own = await client.fetch(address, headers={"X-Request-Id": "mine-1"})
        other = await client.fetch(address, headers=HTTPHeaders({"X-Request-Id": "not good"}))
        missing = await client.fetch(f"http://127.0.0.1:{port}/nothing", raise_error=False)
    finally:
        client.close()
        server.stop()
    return own, other, missing


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    (folder / "logs").mkdir(parents=True)
    for part, seconds, level in (("service", 2, "info"), ("worker", 3, "warning"), ("hub", 1, "info")):
        told = {"time": f"2026-01-01T00:00:0{seconds}.000Z", "level": level, "part": part, "event": f"{part} works"}
        with (folder / "logs" / f"{part}.log").open("w") as file:
            file.write(json.dumps(told | {"request_id": "mine-1"}) + "\n" + json.dumps(told | {"user": "ann"}) + "\n")
    return folder


def test_logs_are_read_as_one_in_the_order_of_time(logs: Path) -> None:
    found = lines(logs / "logs", {"request_id": "mine-1"})
    assert [line["part"] for line in found] == ["hub", "service", "worker"]
    assert [line["part"] for line in lines(logs / "logs", {}, most=2)] == ["worker", "worker"]
    assert [line["part"] for line in lines(logs / "logs", {"user": "ann"}, level="warning")] == ["worker"]


def test_lines_of_an_earlier_version_are_shown_as_they_are(logs: Path) -> None:
    (logs / "logs" / "hub.log").write_text("[I 2026] an old line\n{cut")
    assert [line["event"] for line in lines(logs / "logs", {})[:2]] == ["[I 2026] an old line", "{cut"]


def test_people_read_logs_by_a_command(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hub", "logs", "--folder", str(logs), "--request", "mine-1"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert ("hub works" in first, "request_id=mine-1" in first, len(rest)) == (True, True, 2)
    assert main(["hub", "logs", "--folder", str(logs), "--part", "worker", "--json", "-n", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["part"] == "worker"


def test_fields_and_settings_are_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [*FIRST, *NAMES, "error", "method", "path", "status", "ms", FORMAT, LEVEL, PART]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_examples_of_collectors_can_be_read() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    dask, vector = map(yaml.safe_load, blocks)
    logging.config.dictConfig({**dask["logging"], "root": {}})
    assert set(vector) == {"sources", "transforms", "sinks"}


@pytest.mark.parametrize(("words", "reason"), [(["--level", "loud"], "no level is called"), ([], "no logs in")])
def test_what_cannot_be_shown_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(["hub", "logs", "--folder", str(tmp_path / "nothing"), *words]) == 2
    assert reason in capsys.readouterr().err
