"""Server-sent events (WHATWG HTML, section 9.2), read again from where they broke off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import httpx

from speaksep_hub.client.connection import PASSING, Connection
from speaksep_hub.client.errors import ServiceError, unreachable
from speaksep_hub.client.values import Event


@dataclass(frozen=True)
class Message:
    """One message of a stream.

    Attributes
    ----------
    kind
        Its event type.
    data
        Its text.
    """

    kind: str
    data: str


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """The messages in the lines of a stream; comments, which only keep it alive, are left out.

    Examples
    --------
    >>> list(messages([": still here", "event: job", "data: {}", ""]))
    [Message(kind='job', data='{}')]
    """
    kind, data = "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Message(kind, "\n".join(data))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def follow(
    connection: Connection, path: str, parts: Mapping[str, str] | None = None, *, after: int = 0
) -> Iterator[Event]:
    """Events after a number, until the service says that there will be no more.

    Raises
    ------
    ServiceError
        The service refused, or stayed away for longer than the connection's patience.
    """
    pauses = connection.pauses()
    while True:
        try:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            with connection.stream(path, parts, headers=headers) as response:
                for message in messages(response.iter_lines()):
                    if message.kind == "end":
                        return
                    event = cast(Event, json.loads(message.data))
                    after = event["seq"]
                    pauses = connection.pauses()  # it is there: patience begins anew
                    yield event
            fault: ServiceError = ServiceError(f"{connection.url} ended the stream", reason="service-unreachable")
        except httpx.TransportError as error:
            fault = unreachable(connection.url, error)
        except ServiceError as error:
            if error.status not in PASSING:
                raise
            fault = error
        pause_s = next(pauses)
        if pause_s is None:
            raise fault
        time.sleep(pause_s)
