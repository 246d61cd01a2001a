"""What the doctor says of a platform in bad states: each is made for real, and each line says what to do."""

from __future__ import annotations

import datetime
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from jupyterhub.dbutil import ALEMBIC_DIR

from speaksep_hub.checks import check_settings
from speaksep_hub.doctor import places
from speaksep_hub.doctor.certificates import certificates
from speaksep_hub.doctor.places import clocks
from speaksep_hub.doctor.tables import WAITED_S, hub_database, jobs
from speaksep_hub.proxy.certificates import Certificate, HandedOver
from speaksep_hub.settings import Settings
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.database import engine_of, migrate, url_of
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.authority import Authority
from tests.hub.redis_server import RedisServer
from tests.hub.test_certificates import keep

HOST = "speech.example.org"
HOUR = datetime.timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """``settings(tls={…})`` of a platform with a folder of its own."""

    def made(**sections: dict[str, Any]) -> Settings:
        hub = {"folder": str(tmp_path / "hub"), "url": f"https://{HOST}", **sections.pop("hub", {})}
        return Settings.model_validate({"hub": hub, **sections})

    return made


@pytest.fixture
def given(tmp_path: Path, settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """``given(lives)``: settings with a certificate that began a day ago and holds for so long from now on."""

    def made(lives: datetime.timedelta, name: str = HOST, **hub: Any) -> Settings:
        authority = Authority(tmp_path, 0)
        authority.lives = lives
        certificate, key = authority.issue(tmp_path, name)
        tls = {"certificates": "files", "certificate": str(certificate), "key": str(key)}
        return settings(tls=tls, hub=hub)

    return made


def test_a_certificate_that_holds(given: Callable[..., Settings]) -> None:
    found = certificates(given(89 * DAY + HOUR))
    assert isinstance(found, str)
    assert found.startswith(f"{HOST} until ")
    assert found.endswith(", 89 days left")


def test_a_certificate_that_is_soon_over(given: Callable[..., Settings]) -> None:
    later = datetime.datetime.now(datetime.UTC) + 76 * DAY
    found, hint = certificates(given(89 * DAY + HOUR), now=later)
    assert "13 days left" in found
    assert "the proxy takes it while it runs" in hint


def test_one_that_lives_shortly_is_not_soon_over_from_the_beginning(given: Callable[..., Settings]) -> None:
    found = certificates(given(5 * DAY + HOUR))
    assert isinstance(found, str)
    assert "5 days left" in found


@pytest.mark.parametrize(
    ("lives", "name", "hub", "later", "said"),
    [
        pytest.param(-HOUR, HOST, {}, 0 * DAY, "is over since", id="over"),
        pytest.param(DAY, "other.example.org", {}, 0 * DAY, "it is for other.example.org, and browsers", id="host"),
        pytest.param(9 * DAY, HOST, {"subdomains": True}, 0 * DAY, rf"browsers come to \*\.{HOST}", id="subdomains"),
        pytest.param(9 * DAY, HOST, {}, -40 * DAY, "and here it is", id="not yet"),
    ],
)
def test_a_certificate_that_browsers_refuse(
    given: Callable[..., Settings],
    lives: datetime.timedelta,
    name: str,
    hub: dict[str, Any],
    later: datetime.timedelta,
    said: str,
) -> None:
    with pytest.raises(SpeakSepError, match=said) as found:
        certificates(given(lives, name, **hub), now=datetime.datetime.now(datetime.UTC) + later)
    assert found.value.hint


def test_a_certificate_with_the_key_of_another(tmp_path: Path, given: Callable[..., Settings]) -> None:
    wrong = given(DAY)
    _, key = Authority(tmp_path, 0).issue(tmp_path, "other.example.org")
    with pytest.raises(InputError, match="is not the key of") as found:
        certificates(wrong.model_copy(update={"tls": wrong.tls.model_copy(update={"key": key})}))
    assert found.value.reason == "key-mismatch"
    key.write_text("-----BEGIN PRIVATE KEY-----\nhalf of it")
    with pytest.raises(InputError, match="is not PEM") as found:
        certificates(wrong.model_copy(update={"tls": wrong.tls.model_copy(update={"key": key})}))


def test_those_of_an_authority(tmp_path: Path, settings: Callable[..., Settings]) -> None:
    automatic = settings(tls={"certificates": "automatic", "email": "admin@example.org"})
    assert str(certificates(automatic)).startswith("none yet; it is asked for at https://acme-v02.api")
    authority = Authority(tmp_path, 0)
    authority.lives = -HOUR
    certificate, key = authority.issue(tmp_path, HOST)
    keep(tmp_path / "hub" / "certificates.json", certificate, key)
    with pytest.raises(SpeakSepError, match="over since") as found:
        certificates(automatic)
    assert "port 80" in found.value.hint


def test_half_of_a_new_pair_is_not_handed_over(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    authority = Authority(tmp_path, 0)
    pair, other = authority.issue(tmp_path, HOST), authority.issue(tmp_path / "new", HOST)
    handed = HandedOver(*pair, tmp_path / "copies")
    assert (handed.changed(), handed.changed()) == (True, False)
    first = handed.hand_over()
    other[0].replace(pair[0])  # the certificate is new, its key is not there yet
    assert handed.changed()
    with pytest.raises(InputError, match="is not the key of"):
        handed.hand_over()
    other[1].replace(pair[1])
    assert handed.changed()
    second = handed.hand_over()
    assert Certificate.of_pem(second[0].read_bytes()).serial != Certificate.of_pem(first[0].read_bytes()).serial
    assert [path.stat().st_mode & 0o077 for path in (*first, *second, tmp_path / "copies")] == [0] * 5
    handed.hand_over()
    assert handed.hand_over() == second


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, settings: Callable[..., Settings], tmp_path: Path) -> None:
    monkeypatch.setattr(places, "FULL_BYTES", 1e18)  # as seen from there, every disk is full
    bad = {each.name: each for each in check_settings(settings(hub={"url": "http://127.0.0.1:8000"})) if not each.ok}
    assert set(bad) == {"hub folder", "hub store"}
    assert bad["hub store"].found.startswith(f"full: {tmp_path / 'hub' / 'store'}, ")
    assert "speaksep store prune" in bad["hub folder"].hint


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.stop()


def test_a_clock_that_others_do_not_agree_with(
    settings: Callable[..., Settings], redis: RedisServer, hub_database: str, tmp_path: Path
) -> None:
    servers = settings(hub={"database": hub_database}, protection={"storage": redis.url})
    assert clocks(servers) == "agrees with hub.database, Redis"
    now_s = time.time()
    with pytest.raises(SpeakSepError, match=r"hub\.database is 60 minutes behind this clock") as found:
        clocks(servers, now_s=now_s + 3600)
    assert "NTP" in found.value.hint
    with pytest.raises(SpeakSepError, match="Redis is 60 minutes ahead of this clock"):
        clocks(settings(protection={"storage": redis.url}), now_s=now_s - 3600)
    (tmp_path / "hub").mkdir()
    with pytest.raises(SpeakSepError, match="files are 180 minutes ahead of this clock"):
        clocks(settings(), now_s=now_s - 3 * 3600)


def revision(place: Path, value: str, table: str = "alembic_version") -> None:
    """Note a revision of tables in a database, which is made if it is not there."""
    place.parent.mkdir(exist_ok=True)
    with sqlite3.connect(place) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (version_num VARCHAR(32))")
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} VALUES (?)", (value,))
    connection.close()


@pytest.fixture
def earlier() -> str:
    """The first revision of JupyterHub's tables."""
    config = Config()
    config.set_main_option("script_location", ALEMBIC_DIR)
    config.set_main_option("path_separator", "os")
    return str(ScriptDirectory.from_config(config).get_base())


def test_tables_of_the_hub_that_are_behind(settings: Callable[..., Settings], tmp_path: Path, earlier: str) -> None:
    revision(tmp_path / "hub" / "hub.sqlite", earlier)
    found, hint = hub_database(settings())
    assert "of an earlier JupyterHub" in found
    assert "at the next start" in hint
    given = settings(hub={"database": f"sqlite:///{tmp_path / 'hub' / 'hub.sqlite'}"})
    with pytest.raises(SpeakSepError, match="of an earlier JupyterHub") as wrong:
        hub_database(given)
    assert "jupyterhub upgrade-db" in wrong.value.hint
    revision(tmp_path / "hub" / "hub.sqlite", "ffffffffffff")
    with pytest.raises(SpeakSepError, match="of a later JupyterHub"):
        hub_database(settings())


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The job table of a platform."""
    monkeypatch.delenv("SPEAKSEP_JOBS", raising=False)
    place = tmp_path / "hub" / "jobs.sqlite3"
    with JobTable.open(place) as made:
        made.submit(JobRequest(notebook="separate", owner="ann"))
    return place


def test_jobs_that_nobody_works_on(settings: Callable[..., Settings], table: Path) -> None:
    assert jobs(settings()) == "1 wait, 0 run, 0 failed"
    with sqlite3.connect(table) as connection:
        connection.execute("UPDATE jobs SET created_at = created_at - ?", (WAITED_S + 60,))
    connection.close()
    with pytest.raises(SpeakSepError, match="the oldest waits for 16 minutes, and nobody works") as found:
        jobs(settings())
    assert "speaksep jobs work" in found.value.hint


def test_a_job_table_of_another_version(settings: Callable[..., Settings], table: Path) -> None:
    engine = engine_of(url_of(table), patience_s=5)
    migrate(engine, "0001")
    engine.dispose()
    found, hint = jobs(settings())
    assert "job table 0001, needed is" in found
    assert "speaksep backup create" in hint
    revision(table, "9999")
    with pytest.raises(SpeakSepError, match="the job table has revision 9999, this version knows those up to") as wrong:
        jobs(settings())
    assert "speaksep jobs schema" in wrong.value.hint


def test_warnings_are_no_failure_unless_they_shall_be(
    table: Path, earlier: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    revision(table.parent / "hub.sqlite", earlier)
    table.parent.chmod(0o700)
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(table.parent))
    assert main(["doctor", "--json", "--strict"]) == 1
    told = json.loads(capsys.readouterr().out)
    levels = {check["name"]: check["level"] for check in told["checks"]}
    assert (told["ok"], levels["hub database"], levels["hub jobs"]) == (True, "warning", "ok")
