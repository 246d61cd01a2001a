"""Files in a form (``multipart/form-data``), as they come: never in memory, never in a file of the framework."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from speaksep_kernel.errors import InputError

MOST_FILES = 100
MOST_HEADER_BYTES = 16384


@dataclass(frozen=True)
class FileBegins:
    """The next bytes are those of a file with this name, until `FileEnds`."""

    name: str


@dataclass(frozen=True)
class FileEnds:
    """That was the file."""


async def form_files(request: Request) -> AsyncIterator[FileBegins | bytes | FileEnds]:
    """Files of a form, in their order; fields that are no files are passed over.

    Raises
    ------
    InputError
        Reason ``bad-form``.
    """
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary")
    if not boundary:
        raise _bad("its Content-Type has no boundary")
    form = _Form()
    parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]  # typed as more than is needed
    try:
        async for chunk in request.stream():
            parser.write(chunk)
            for each in form.taken():
                yield each
        parser.finalize()
    except FormParserError as error:
        raise _bad(str(error)) from error
    if form.inside:
        raise _bad("it ends in the middle of a file")


class _Form:
    """What the parser told, in its order."""

    def __init__(self) -> None:
        self._told: list[FileBegins | bytes | FileEnds] = []
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = b""
        self._files = self._header_bytes = 0
        self.inside = False

    def callbacks(self) -> dict[str, object]:
        """As the parser wants them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._head(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._head(1, data[start:end]),
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def taken(self) -> list[FileBegins | bytes | FileEnds]:
        """What was told since the last time."""
        told, self._told = self._told, []
        return told

    def _begin(self) -> None:
        self._disposition, self._header_bytes = b"", 0
        self._header = (bytearray(), bytearray())

    def _head(self, which: int, data: bytes) -> None:
        self._header_bytes += len(data)
        if self._header_bytes > MOST_HEADER_BYTES:
            raise _bad("the headers of a part are too long")
        self._header[which].extend(data)

    def _header_ends(self) -> None:
        field, value = self._header
        if field.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename")
        self.inside = name is not None
        if name is None:
            return
        self._files += 1
        if self._files > MOST_FILES:
            raise _bad(f"it has more than {MOST_FILES} files")
        self._told.append(FileBegins(name.decode("utf-8", "replace")))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.inside:
            self._told.append(data[start:end])

    def _end(self) -> None:
        if self.inside:
            self._told.append(FileEnds())
        self.inside = False


def _bad(why: str) -> InputError:
    return InputError(
        f"the form cannot be read: {why}", reason="bad-form", hint="send it as curl -F file=@talk.wav does"
    )
