"""The tokens that somebody has: listed, made, revoked, at the hub or in the file, in the person's own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import anyio.to_thread

from speaksep_hub.scopes import SCOPES, hub_names
from speaksep_hub.service.errors import Away, NotAllowed, NotFound
from speaksep_hub.service.identity.caller import MANAGE, Caller
from speaksep_hub.service.identity.hub import HubDirectory, scopes_of, seconds_of
from speaksep_hub.service.identity.token_file import TokenEntry, TokenFile
from speaksep_kernel.errors import InputError


@dataclass(frozen=True)
class Token:
    """A token, without what it reads.

    Attributes
    ----------
    id, note
        How it is called, what it is for.
    scopes
        Short names.
    made_at, expires_at, used_at
        Seconds since 1970; None: never, or not known.
    client
        Which page or service a browser has it for; empty for a token that was made for programs.
    """

    id: str
    note: str
    scopes: tuple[str, ...]
    made_at: float | None
    expires_at: float | None
    used_at: float | None = None
    client: str = ""


class Tokens(Protocol):
    """Where tokens are."""

    async def list(self, caller: Caller) -> list[Token]:
        """All of the caller's."""

    async def make(self, caller: Caller, scopes: frozenset[str], life_s: int | None, note: str) -> tuple[Token, str]:
        """A new one, and what it reads."""

    async def revoke(self, caller: Caller, id_: str) -> None:
        """End one."""


def tokens_of(directory: object) -> Tokens:
    """Where the tokens of a directory's people are."""
    if isinstance(directory, TokenFile):
        return _FileTokens(directory)
    assert isinstance(directory, HubDirectory)
    return _HubTokens(directory)


def chosen(caller: Caller, scopes: list[str] | None) -> frozenset[str]:
    """Scopes of a new token, which may not do more than the one it is made with.

    Raises
    ------
    InputError
        Reason ``unknown-scope``.
    NotAllowed
        Reason ``missing-scope``.
    """
    if scopes is None:
        return caller.scopes
    if unknown := [scope for scope in scopes if scope not in (*SCOPES, MANAGE)]:
        raise InputError(
            f"no scope {unknown[0]!r}", reason="unknown-scope", hint=f"there are {', '.join((*SCOPES, MANAGE))}"
        )
    if missing := sorted(set(scopes) - caller.scopes):
        raise NotAllowed(
            f"your token has no scope {', '.join(missing)}",
            reason="missing-scope",
            hint="GET /api/v1/me says which it has; no token can make one that may do more",
        )
    return frozenset(scopes)


class _FileTokens:
    def __init__(self, file: TokenFile) -> None:
        self._file = file

    async def list(self, caller: Caller) -> list[Token]:
        entries = await anyio.to_thread.run_sync(self._file.entries)
        return [_of_entry(each) for each in entries if each.name == caller.name]

    async def make(self, caller: Caller, scopes: frozenset[str], life_s: int | None, note: str) -> tuple[Token, str]:
        own = next(each for each in self._file.entries() if each.shown_id == caller.token_id)
        life = min((each for each in (life_s, own.life_s) if each is not None), default=None)
        entry, token = await anyio.to_thread.run_sync(
            lambda: self._file.make(caller.name, scopes=scopes, life_s=life, note=note)
        )
        return _of_entry(entry), token

    async def revoke(self, caller: Caller, id_: str) -> None:
        await anyio.to_thread.run_sync(lambda: self._file.revoke(id_, name=caller.name))


class _HubTokens:
    def __init__(self, hub: HubDirectory) -> None:
        self._hub = hub

    async def list(self, caller: Caller) -> list[Token]:
        told = await self._asked(caller, "GET", "")
        return [_of_hub(each) for each in told["api_tokens"]]

    async def make(self, caller: Caller, scopes: frozenset[str], life_s: int | None, note: str) -> tuple[Token, str]:
        named = hub_names(sorted(scopes - {MANAGE})) + ["tokens!user"] * (MANAGE in scopes)
        told = await self._asked(caller, "POST", "", {"note": note, "scopes": named, "expires_in": life_s})
        return _of_hub(told), str(told["token"])

    async def revoke(self, caller: Caller, id_: str) -> None:
        if not id_.isalnum():
            raise _unknown(id_)
        await self._asked(caller, "DELETE", f"/{id_}")
        self._hub.forget_all()

    async def _asked(
        self, caller: Caller, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        response = await self._hub.request(method, f"/users/{quote(caller.name)}/tokens{path}", caller.secret, body)
        if response.is_success:
            return dict(response.json()) if response.content else {}
        said = str(response.json().get("message", "")) if "json" in response.headers.get("content-type", "") else ""
        if response.status_code == 404 and path:
            raise _unknown(path.removeprefix("/"))
        if response.status_code == 400:
            raise InputError(f"the hub makes no such token: {said}", reason="bad-token", hint="see GET /api/v1/me")
        raise Away(
            f"the hub answers {response.status_code} {said}", reason="hub-unreachable", hint="try again in a moment"
        )


def _of_entry(entry: TokenEntry) -> Token:
    made_at = entry.made.timestamp() if entry.made else None
    return Token(entry.shown_id, entry.note, tuple(sorted(entry.allowed)), made_at, entry.expires_at)


def _of_hub(told: dict[str, Any]) -> Token:
    client = told.get("oauth_client") or ""
    return Token(
        id=told["id"],
        note=told.get("note") or "",
        scopes=tuple(sorted(scopes_of(told.get("scopes") or ()))),
        made_at=seconds_of(told.get("created")),
        expires_at=seconds_of(told.get("expires_at")),
        used_at=seconds_of(told.get("last_activity")),
        client="" if client == "JupyterHub" else client,
    )


def _unknown(id_: str) -> NotFound:
    return NotFound(f"there is no token {id_[:40]!r}", reason="unknown-token", hint="GET /api/v1/tokens lists yours")
