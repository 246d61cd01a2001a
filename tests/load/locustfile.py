"""People at work and people who look on, for Locust; how the scene is made is in scene.py.

``LOAD_SCENE=scene.json locust -f tests/load/locustfile.py --host http://127.0.0.1:8000 --headless -u 20 -t 2m``
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import gevent
from locust import FastHttpUser, between, events, task
from locust.exception import StopUser

SCENE = json.loads(Path(os.environ["LOAD_SCENE"]).read_text())
PEOPLE = itertools.cycle(SCENE["people"])
TALK = Path(SCENE["talk"]).read_bytes()
ROUNDS = int(os.environ.get("LOAD_ROUNDS", "0"))
"""How often everybody at work goes round; without end, if 0."""
WAIT_S = "20"
LISTS = ("jobs?limit=20", "recordings?limit=20", "batches?limit=20")
PATIENCE_S = 900.0


class Person(FastHttpUser):
    """Somebody with a token, who has the platform's pages open: one stream tells of all that happens."""

    abstract = True
    concurrency = 4  # the stream that is open all the time, and what is asked meanwhile
    network_timeout = 120.0

    def on_start(self) -> None:
        """Sign in, and listen."""
        self.token = next(PEOPLE)["token"]
        self.ask("GET", "me", "sign in")
        self.listening = gevent.spawn(self.listen)

    def on_stop(self) -> None:
        """Close the page."""
        self.listening.kill(block=False)

    def ask(self, method: str, path: str, name: str, *, of: str = "speaksep/api/v1", **more: Any) -> Any:
        """A request below a service; who is refused goes no further, and begins anew after a break."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = self.client.request(method, f"/services/{of}/{path}", name=name, headers=headers, **more)
        if not answer.ok:
            raise RuntimeError(f"{name}: {answer.status_code} {answer.text[:200]}")
        return answer

    def listen(self) -> None:
        """As a page does, until it is closed."""
        for _ in self.lines("events", "open all my events"):
            pass

    def lines(self, path: str, name: str) -> Any:
        """Lines of a stream."""
        answer = self.ask("GET", path, name, stream=True)
        while line := answer.stream.readline(b"\n"):
            yield line.strip()

    def page(self, path: str) -> None:
        """A dashboard, as a browser gets it, and as it asks whether it has changed."""
        html = self.ask("GET", path, "dashboard: the page", of="dashboards", headers={"Accept": "text/html"})
        known = {"If-None-Match": html.headers.get("ETag", "")}
        self.ask("GET", path, "dashboard: seen before", of="dashboards", headers=known)
        self.ask("GET", f"{path}data", "dashboard: its data", of="dashboards")


class Worker(Person):
    """Sends a recording, has it diagnosed and separated, takes the tracks, looks at the dashboard of it."""

    weight = 1
    wait_time = between(2, 4)
    left = 0

    def on_start(self) -> None:
        """As all, and be counted."""
        super().on_start()
        self.rounds, self.job = 0, ""
        Worker.left += 1

    def on_stop(self) -> None:
        """What they asked for last is wanted by nobody."""
        super().on_stop()
        if self.job:
            signed = {"Authorization": f"Bearer {self.token}"}
            path = f"/services/speaksep/api/v1/jobs/{self.job}/cancel"
            with self.client.post(path, name="cancel", headers=signed, catch_response=True) as answer:
                if answer.status_code in (200, 409):  # just finished
                    answer.success()

    @task
    def go_round(self) -> None:
        """From a recording to tracks."""
        recording = self.ask("POST", "recordings?name=talk.wav", "upload", data=never_sent()).json()["id"]
        self.job = self.ask("POST", f"recordings/{recording}/diagnosis", "ask for work", json={}).json()["id"]
        self.finish("diagnosis: until it is there")
        self.ask("GET", f"recordings/{recording}/diagnosis", "look at a result")
        time.sleep(random.uniform(0.5, 1.5))  # they read it
        self.ask("POST", f"recordings/{recording}/plan", "plan", json={"speakers": 2})
        key = {"Idempotency-Key": uuid4().hex}
        asked = self.ask(
            "POST", f"recordings/{recording}/separations", "ask for work", json={"speakers": 2}, headers=key
        )
        self.job = job = asked.json()["id"]
        self.finish("separation: until it is there")
        self.ask("GET", f"results/{job}", "look at a result")
        for track in ("speaker_1", "speaker_2", "residual"):
            self.ask("GET", f"results/{job}/tracks/{track}", "download a track")
        self.page(f"mine/recording/{job}/")
        self.rounds += 1
        if self.rounds == ROUNDS:
            self.leave()

    def finish(self, name: str) -> None:
        """Wait for the job by its events; how long that took is a figure of its own."""
        began = time.monotonic()
        states = [b""]
        for line in self.lines(f"jobs/{self.job}/events", "open a stream"):
            if line.startswith(b'data: {"'):
                states.append(json.loads(line[6:])["state"])
            if line == b"event: end" or time.monotonic() - began > PATIENCE_S:
                break
        fault = None if states[-1] == "succeeded" else RuntimeError(f"the job is {states[-1]}")
        taken_ms = 1000 * (time.monotonic() - began)
        self.environment.events.request.fire(
            request_type="JOB", name=name, response_time=taken_ms, response_length=0, exception=fault, context={}
        )
        self.job = ""
        if fault:
            raise fault

    def leave(self) -> None:
        """Been round often enough; the last one ends the run."""
        Worker.left -= 1
        if Worker.left == 0:
            gevent.spawn(self.environment.runner.quit)
        raise StopUser


class Onlooker(Person):
    """Looks at lists, at a job, at what somebody shared."""

    weight = 3
    wait_time = between(0.5, 1.5)

    @task(3)
    def look_at_a_list(self) -> None:
        """One of those of the page with my jobs."""
        self.ask("GET", random.choice(LISTS), "look at a list")

    @task(1)
    def look_at_the_first_page(self) -> None:
        """What is shared with them."""
        self.ask("GET", "", "dashboards: first page", of="dashboards", headers={"Accept": "text/html"})

    @task(2)
    def look_at_a_dashboard(self) -> None:
        """Of a recording that somebody separated."""
        self.page(f"share/{SCENE['share']}/")


def never_sent() -> bytes:
    """The recording with a number in its last samples, so that nothing of it is known: as much work as any."""
    mark = b"".join(int(digit, 16).to_bytes(2, "little") for digit in uuid4().hex)
    return TALK[: -len(mark)] + mark


@events.test_start.add_listener
def begin(environment: Any, **_: Any) -> None:
    """Errors of a person are told, not printed with a trace."""
    environment.catch_exceptions = True
