"""The documentation of the API in a browser: Swagger UI from a package on this machine, nothing from anywhere else."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse

from speaksep_hub.protection.headers import content_security_policy
from speaksep_hub.service.errors import NotFound

router = APIRouter(include_in_schema=False)

_SWAGGER = Path(fastapi_offline.__file__).with_name("static")
_FILES = {
    "docs.js": Path(__file__).with_name("files") / "docs.js",
    **{name: _SWAGGER / name for name in ("swagger-ui-bundle.js", "swagger-ui.css")},
}
# Swagger UI sets styles of its own on what it draws.
_POLICY = content_security_policy("service", {"style-src": "'self' 'unsafe-inline'"})
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>API · SpeakSep</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script><script src="docs/docs.js" defer></script>
</head>
<body><main id="docs"></main></body>
</html>
"""


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{name}")
async def docs_file(name: str) -> FileResponse:
    """A file of the page."""
    if name not in _FILES:
        raise NotFound(f"there is no file {name[:100]!r}", reason="not-found", hint="open docs")
    return FileResponse(_FILES[name], headers={"Cache-Control": "max-age=86400"})
