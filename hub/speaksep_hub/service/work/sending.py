"""Files on their way out: by range, checked by their hash, straight from the store where that is possible."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from speaksep_hub.service.errors import NotFound
from speaksep_kernel.errors import InputError, StoreError

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".eaf": "application/xml",
    ".flac": "audio/flac",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".png": "image/png",
    ".rttm": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".wav": "audio/wav",
    ".zip": "application/zip",
}
_SHOWN = ("audio/", "image/png")
"""What a browser may show by itself; all else is only saved, whatever is in it."""


def send_file(platform: Platform, request: Request, key: str, *, name: str, sha256: str | None = None) -> Response:
    """A file of the store.

    Parameters
    ----------
    platform
        With the store.
    request
        Its ``Range`` and ``If-None-Match`` count.
    key
        Of the file.
    name
        What it is called.
    sha256
        Of its bytes, where that is known.

    Raises
    ------
    NotFound
        Reason ``unknown-file``.
    """
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")
    # The same address may give another revision tomorrow: a browser asks again, and is told that nothing has changed.
    headers = {"Cache-Control": "private, no-cache", **({"ETag": f'"{sha256}"'} if sha256 else {})}
    if sha256 and f'"{sha256}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        # A page of ours may load nothing from another host.
        ours = request.headers.get("sec-fetch-site") == "same-origin"
        link = None if ours else platform.store.link(key, name=name, media_type=media_type)
        if link is not None:
            return RedirectResponse(link, 307, {"Cache-Control": "no-store"})
        path = platform.store.local(key)
    except (StoreError, InputError) as error:
        if error.reason not in ("not-stored", "bad-key"):
            raise
        raise NotFound(
            f"no file {name[:100]!r} in this result", reason="unknown-file", hint="GET …/files lists them"
        ) from error
    kind = "inline" if media_type.startswith(_SHOWN) else "attachment"
    return FileResponse(path, media_type=media_type, filename=name, headers=headers, content_disposition_type=kind)


def send_json(value: Any, *, name: str) -> Response:
    """A document that is not stored as it is told, to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return Response(json.dumps(value, indent=2, ensure_ascii=False), media_type="application/json", headers=headers)
