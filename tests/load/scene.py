"""What people find when the load begins: they are signed in, and somebody shares a recording that was separated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.testing import conversation
from tests.hub.running import RunningHub

OWNER = "olga"


def furnish(hub: RunningHub, place: Path, people: int, sound_s: float) -> Path:
    """Sign people in, give each a token of the hub, separate a recording and share it with them.

    Parameters
    ----------
    hub
        A platform that runs.
    place
        Folder for the recording and the scene.
    people
        How many.
    sound_s
        Length of the recording that people send, again and again with a number in it, in seconds.

    Returns
    -------
    Path
        Of the scene, as ``LOAD_SCENE`` names it for the locustfile.
    """
    talk = place / "talk.wav"
    made = conversation(sound_s, speakers=2, overlap=0.2, seed=5)
    sf.write(talk, made.audio, made.rate_hz, "PCM_16")
    names = [f"person{number}" for number in range(people)]
    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda name: token_of(hub, name), [OWNER, *names]))
    with Client(hub.service_url, tokens[0]) as client:
        job = client.recordings.separate(client.recordings.upload(talk), speakers=2)
        client.jobs.wait(job)
        share = client.shares.create("recording", {"job": job["id"]}, users=names)
    return write_scene(place, talk, share["id"], dict(zip(names, tokens[1:], strict=True)))


def write_scene(place: Path, talk: Path, share: str, tokens: dict[str, str]) -> Path:
    """What the locustfile reads, for nobody else's eyes."""
    scene = place / "scene.json"
    scene.touch(mode=0o600)
    people: Sequence[dict[str, str]] = [{"name": name, "token": token} for name, token in tokens.items()]
    scene.write_text(json.dumps({"talk": str(talk), "share": share, "people": people}))
    return scene


def token_of(hub: RunningHub, name: str) -> str:
    """Of somebody who signs in for it."""
    with closing(hub.sign_in(name, "researcher")) as browser:
        return hub.token(browser, name)
