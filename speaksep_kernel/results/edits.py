"""Corrections as data: one model per kind, and the log they are kept in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import InputError

EDITS = "edits.json"
"""Name of the log in a result directory."""
MOST_BYTES = 64 << 20

Speaker: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Span(_Model):
    start_s: Seconds
    end_s: Seconds

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if not self.start_s < self.end_s:
            raise ValueError(f"the span ends at {self.end_s:g} s, not after its start at {self.start_s:g} s")
        return self


class Merge(_Model):
    """Several speakers are one person, ``into``; the other numbers are gone."""

    op: Literal["merge"] = "merge"
    speakers: tuple[Speaker, ...] = Field(min_length=1)
    into: Speaker


class Split(_Model):
    """One speaker is several people: from ``at_s`` on, or ``parts`` by their voices. The new ones get new numbers."""

    op: Literal["split"] = "split"
    speaker: Speaker
    at_s: Seconds | None = None
    parts: int | None = Field(default=None, ge=2, le=20)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.at_s is None) == (self.parts is None):
            raise ValueError("a split needs either at_s or parts")
        return self


class Rename(_Model):
    """A speaker's name, ``None`` for none; it goes before what the voice book says."""

    op: Literal["rename"] = "rename"
    speaker: Speaker
    name: str | None = Field(max_length=200)

    @model_validator(mode="after")
    def _a_name(self) -> Self:
        if self.name is not None and (not self.name.strip() or not self.name.isprintable()):
            raise ValueError(f"{self.name!r} is no name")
        return self


class Reassign(_Span):
    """What a speaker (everybody if ``None``) says within a span is somebody else's."""

    op: Literal["reassign"] = "reassign"
    speaker: Speaker | None = None
    to: Speaker | Literal["new"]


class Boundary(_Model):
    """The start or end of a speaker's turn that is nearest to ``at_s`` moves to ``to_s``."""

    op: Literal["boundary"] = "boundary"
    speaker: Speaker
    edge: Literal["start", "end"]
    at_s: Seconds
    to_s: Seconds


class Noise(_Span):
    """What a speaker (everybody if ``None``) seems to say within a span is nobody's; it goes to the residual."""

    op: Literal["noise"] = "noise"
    speaker: Speaker | None = None


class Turns(_Model):
    """Who speaks when, as (start_s, end_s, label): instead of all that was found.

    Labels are matched with speakers by how long they speak at once; a label that matches nobody is a new speaker, a
    speaker that no label matches is gone. Labels other than ``speaker_N`` become names.
    """

    op: Literal["turns"] = "turns"
    turns: tuple[tuple[Seconds, Seconds, str], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        for start_s, end_s, label in self.turns:
            if not start_s < end_s:
                raise ValueError(f"the turn of {label!r} at {start_s:g} s ends at {end_s:g} s")
        return self


class Reseparate(_Span):
    """The network heard a span once more, with settings of its own; ``to`` says whose each voice in it is.

    What it heard is kept with the result, as `store`, so that replaying asks no network. The names ``version`` and
    ``sha256`` are those of the separator: with another one the same settings give other voices.
    """

    op: Literal["reseparate"] = "reseparate"
    speakers: int | None = Field(default=None, ge=1, le=20)
    separator: str
    separator_options: dict[str, Any] = {}
    quality: Literal["fast", "balanced", "best"] = "balanced"
    device: Literal["cpu", "cuda"] = "cpu"
    version: str
    sha256: str | None = None
    to: tuple[Speaker | Literal["new"], ...] = ()

    @property
    def store(self) -> str:
        """Name of what was heard, made of all that decides what it is."""
        return hashlib.sha256(self.model_dump_json(exclude={"op", "to"}).encode()).hexdigest()[:16]


Edit: TypeAlias = Annotated[
    Merge | Split | Rename | Reassign | Boundary | Noise | Turns | Reseparate, Field(discriminator="op")
]
"""Any correction; as JSON, the object whose ``op`` says which."""

_EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def edit_of(value: Edit | Mapping[str, Any]) -> Edit:
    """An edit from its JSON form; an edit stays as it is.

    Raises
    ------
    InputError
        Reason ``bad-edit``.

    Examples
    --------
    >>> edit_of({"op": "merge", "speakers": [2, 3], "into": 2})
    Merge(op='merge', speakers=(2, 3), into=2)
    """
    try:
        return _EDIT.validate_python(value)
    except ValidationError as error:
        raise InputError(
            f"{value!r:.120} is no edit: {_first(error)}", reason="bad-edit", hint="docs/edits.md lists all of them"
        ) from error


class EditLog(_Model):
    """Corrections of one separation, in order; those after ``position`` are undone.

    A log is a value: `append`, `undo` and `redo` give a new one.

    Attributes
    ----------
    input_sha256
        Hash of the recording.
    table_sha256
        Hash of the separation's window table: numbers of speakers mean something only with it.
    edits
        All of them, the undone ones last.
    position
        How many are in force.
    """

    schema_version: Literal[1] = 1
    input_sha256: str
    table_sha256: str
    edits: tuple[Edit, ...] = ()
    position: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.position > len(self.edits):
            raise ValueError(f"position {self.position} is beyond its {len(self.edits)} edits")
        return self

    @property
    def stores(self) -> tuple[Reseparate, ...]:
        """What was heard once more, also where that was taken back: it may be wanted again."""
        return tuple({edit.store: edit for edit in self.edits if isinstance(edit, Reseparate)}.values())

    @property
    def active(self) -> tuple[Edit, ...]:
        """The edits in force."""
        return self.edits[: self.position]

    def append(self, *edits: Edit) -> EditLog:
        """The log with more edits; what was undone is forgotten."""
        kept = (*self.active, *edits)
        return self.model_copy(update={"edits": kept, "position": len(kept)})

    def undo(self, count: int = 1) -> EditLog:
        """The log without its last edits in force.

        Raises
        ------
        InputError
            Reason ``nothing-to-undo``.
        """
        if not 0 < count <= self.position:
            raise InputError(
                f"cannot undo {count} of {self.position} edits",
                reason="nothing-to-undo",
                hint="speaksep edit DIR log lists them",
            )
        return self.model_copy(update={"position": self.position - count})

    def redo(self, count: int = 1) -> EditLog:
        """The log with edits in force again that were undone last.

        Raises
        ------
        InputError
            Reason ``nothing-to-redo``.
        """
        if not 0 < count <= len(self.edits) - self.position:
            raise InputError(
                f"cannot redo {count} of {len(self.edits) - self.position} undone edits",
                reason="nothing-to-redo",
                hint="a new edit forgets what was undone",
            )
        return self.model_copy(update={"position": self.position + count})

    @classmethod
    def load(cls, path: str | Path) -> EditLog:
        """Read a log.

        Raises
        ------
        InputError
            Reasons ``no-edit-log`` and ``bad-edit-log``.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                return cls.model_validate_json(file.read(MOST_BYTES))
        except OSError as error:
            raise InputError(
                f"no edit log at {str(path)!r}: {error.strerror}",
                reason="no-edit-log",
                hint="give the edits.json of a corrected result",
            ) from error
        except ValidationError as error:
            raise InputError(
                f"{str(path)!r} is no edit log: {_first(error)}",
                reason="bad-edit-log",
                hint="give the edits.json of a corrected result",
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the log; equal logs are equal bytes.

        Raises
        ------
        StoreError
            The disk is full, or may not be written to.
        """
        write_atomically(Path(path), (self.model_dump_json(indent=1) + "\n").encode(), mode=0o644)


def _first(error: ValidationError) -> str:
    """What is wrong first, and where."""
    first = error.errors(include_url=False, include_context=False)[0]
    return f"{first['msg']} ({'.'.join(map(str, first['loc']))})" if first["loc"] else str(first["msg"])
