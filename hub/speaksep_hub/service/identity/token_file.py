"""Tokens of a service without a hub: a file that lists whose they are. It holds their hashes, not the tokens."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from speaksep_hub.scopes import ROLES, SCOPES, expand
from speaksep_hub.section import Section
from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.identity.caller import MANAGE, Caller, Kind
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError, StoreError

BEGINNING = "speaksep_"
"""What its tokens begin with, so that those who look for leaked secrets know them."""


class TokenEntry(Section):
    """A token in the file."""

    name: str = Field(pattern=r"^[^\W_][\w.@+-]{0,99}$", description="Whose it is.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the token.")
    role: str | None = Field(None, description="What it may: a role …")
    scopes: tuple[str, ...] | None = Field(None, description="… or scopes.")
    expires: datetime | None = Field(None, description="When it is over.")
    made: datetime | None = Field(None, description="When it was made.")
    id: str = Field("", pattern="^[A-Za-z0-9_-]{0,32}$", description="How it is called in lists.")
    note: str = Field("", max_length=200, description="What it is for.")
    groups: tuple[str, ...] = Field((), description="Groups of the person, for what is shared with those.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.role is None) == (self.scopes is None):
            raise ValueError("a token has either a role or scopes")
        if self.role is not None and self.role not in ROLES:
            raise ValueError(f"no role {self.role!r}; there are {', '.join(ROLES)}")
        if unknown := [scope for scope in self.scopes or () if scope not in (*SCOPES, MANAGE)]:
            raise ValueError(f"no scope {unknown[0]!r}; there are {', '.join(SCOPES)}")
        return self

    @property
    def allowed(self) -> frozenset[str]:
        """Short names of all its scopes."""
        if self.role is None:
            named = set(self.scopes or ())
            return expand(named - {MANAGE}) | (named & {MANAGE})
        role = ROLES[self.role]
        return expand(role.scopes) | ({MANAGE} if "tokens!user" in role.hub_scopes else frozenset())

    @property
    def shown_id(self) -> str:
        """Its id, or one that is made of its hash."""
        return self.id or self.sha256[:12]

    @property
    def expires_at(self) -> float | None:
        """Seconds since 1970; a time without a zone is UTC."""
        if self.expires is None:
            return None
        return (self.expires if self.expires.tzinfo else self.expires.replace(tzinfo=UTC)).timestamp()

    @property
    def life_s(self) -> int | None:
        """How long it lives in all; None: for ever, or it is not known when it was made."""
        if self.expires_at is None or self.made is None:
            return None
        return int(self.expires_at - self.made.timestamp())


class TokenFile:
    """Whose a token is, by a file; what is changed in it holds from the next request on.

    Parameters
    ----------
    path
        TOML with a table ``[[tokens]]`` for each. Nobody else may read or write it. None there: no token is known.
    clock
        Seconds since 1970; for tests.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._seen: tuple[tuple[int, int, int], list[TokenEntry]] = ((0, 0, 0), [])

    async def caller(self, secret: str, kind: Kind | None = None) -> Caller | None:
        """Whose a token is; None: nobody's, or it is over."""
        digest = hashlib.sha256(secret.encode()).hexdigest()
        entry = next((each for each in self.entries() if each.sha256 == digest), None)
        if entry is None or (entry.expires_at is not None and entry.expires_at <= self._clock()):
            return None
        return Caller(
            entry.name,
            entry.allowed,
            kind or "file-token",
            entry.shown_id,
            entry.expires_at,
            secret,
            frozenset(entry.groups),
        )

    def remembers(self, secret: str) -> bool:
        """Whether the file has it: nobody needs to be asked."""
        digest = hashlib.sha256(secret.encode()).hexdigest()
        return any(each.sha256 == digest for each in self.entries())

    async def reachable(self) -> bool:
        """Whether the file can be read."""
        try:
            self.entries()
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        """Nothing is open."""

    def entries(self) -> list[TokenEntry]:
        """All tokens, as the file has them now.

        Raises
        ------
        StoreError
            Reason ``bad-token-file``: others may read it, or it is not what it should be.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._bad(f"{error.strerror}") from error
        stamp = (found.st_ctime_ns, found.st_size, found.st_ino)
        if self._seen[0] != stamp:
            if found.st_mode & 0o077:
                raise self._bad(f"its mode is {found.st_mode & 0o777:o}", f"chmod 600 {self.path}")
            try:
                tables = tomllib.loads(self.path.read_text(encoding="utf-8")).get("tokens", [])
                self._seen = stamp, [TokenEntry.model_validate(table) for table in tables]
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                raise self._bad(f"token {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
            except (OSError, ValueError, TypeError) as error:
                raise self._bad(str(error)) from error
        return self._seen[1]

    def make(
        self,
        name: str,
        *,
        scopes: Iterable[str] | None = None,
        role: str | None = None,
        life_s: float | None,
        note: str = "",
    ) -> tuple[TokenEntry, str]:
        """A new token; it is shown this once.

        Raises
        ------
        InputError
            Reason ``bad-token``: a name, role or scope that cannot be.
        StoreError
            Reason ``bad-token-file``.
        """
        token = BEGINNING + secrets.token_urlsafe(32)
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        try:
            entry = TokenEntry(
                name=name,
                sha256=hashlib.sha256(token.encode()).hexdigest(),
                role=role,
                scopes=None if scopes is None else tuple(sorted(scopes)),
                expires=None if life_s is None else datetime.fromtimestamp(int(self._clock() + life_s), UTC),
                made=now,
                id=secrets.token_hex(6),
                note=note,
            )
        except (ValidationError, OverflowError, ValueError) as error:
            words = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise InputError(
                f"no such token for {name!r} can be made: {words.removeprefix('Value error, ')}",
                reason="bad-token",
                hint=f"roles: {', '.join(ROLES)}; scopes: {', '.join(SCOPES)}",
            ) from None
        with self._alone():
            self._write([*self.entries(), entry])
        return entry, token

    def revoke(self, id_: str, *, name: str | None = None) -> TokenEntry:
        """Remove a token.

        Parameters
        ----------
        id_
            Its id, or a beginning of it that no other token has.
        name
            Only if it is this person's.

        Raises
        ------
        NotFound
            Reason ``unknown-token``.
        """
        with self._alone():
            entries = self.entries()
            mine = [each for each in entries if name in (None, each.name) and id_ and each.shown_id.startswith(id_)]
            exact = [each for each in mine if each.shown_id == id_] or mine
            if len(exact) != 1:
                many = f"{len(exact)} tokens begin with" if exact else "there is no token"
                raise NotFound(f"{many} {id_!r}", reason="unknown-token", hint="speaksep token list shows them")
            self._write([each for each in entries if each is not exact[0]])
            return exact[0]

    def _write(self, entries: Sequence[TokenEntry]) -> None:
        text = "# Tokens of the SpeakSep service: their hashes. speaksep token --file FILE changes it.\n"
        for entry in entries:
            fields = entry.model_dump(exclude_none=True, exclude_defaults=True)
            text += "\n[[tokens]]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in fields.items())
        unfinished = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise self._bad(f"it cannot be written: {error.strerror}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._bad(f"it cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _bad(self, why: str, hint: str = "docs/tokens.md shows one") -> StoreError:
        return StoreError(
            f"the token file {str(self.path)!r} cannot be used: {why}", reason="bad-token-file", hint=hint
        )


def path_of(settings: Settings) -> Path:
    """Where the token file is."""
    return settings.service.token_file or settings.hub.kept("tokens.toml")


def _toml(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    # A string of JSON is one of TOML, but for the one control character that JSON leaves as it is.
    return re.sub("\x7f", r"\\u007F", json.dumps(value, ensure_ascii=False))
