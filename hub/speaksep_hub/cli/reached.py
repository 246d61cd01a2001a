"""A service, reached with a token that is in a file or in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_hub.client import Client

UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Address of the service; SPEAKSEP_URL, if left out.")
]
KeptOption = Annotated[
    Path | None,
    typer.Option("--token-in", metavar="FILE", help="File that holds your token; SPEAKSEP_TOKEN, if left out."),
]


@contextmanager
def reached(url: str | None, token_in: Path | None) -> Iterator[Client]:
    """The service as whoever has the token.

    Raises
    ------
    InputError
        Reason ``no-token``: the file cannot be read.
    ServiceError
        As of :class:`~speaksep_hub.client.Client`.
    """
    from speaksep_hub.client import Client

    with Client(url, None if token_in is None else _read(token_in), patience_s=3.0) as client:
        yield client


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read the token in {str(path)!r}: {error}", reason="no-token", hint="give a file that holds one"
        ) from None
