"""Headers on whatever a Tornado application answers: static files and errors, too, which its handlers forget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

from speaksep_hub.logs.tornado import NameRequests


class SecureAnswers(OutputTransform):
    """Adds headers that an answer does not have already.

    Parameters
    ----------
    request
        Not looked at.
    """

    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, request: HTTPServerRequest) -> None:
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The beginning of an answer."""
        for name, value in self.headers.items():
            if name == "Server" or name not in headers:  # Tornado has put its own name there
                headers[name] = value
        return status_code, headers, chunk


def secured(headers: Mapping[str, str]) -> list[type[OutputTransform]]:
    """For ``tornado_settings["transforms"]``; requests get their names there, too."""
    return [NameRequests, type("SecureAnswers", (SecureAnswers,), {"headers": headers})]
