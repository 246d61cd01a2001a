"""The parameters of a batch notebook: read from its typed cell, checked by a pydantic model made from it."""

from __future__ import annotations

import ast
import io
import os
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from speaksep_kernel.jobs.notebooks import BatchNotebook

PLAIN: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
LONGEST = 65_536
"""Most characters of a text."""


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    name, type, default, help
        As written: ``speakers: int = 0  # How many people speak`` has type "int", default 0 and that help.
    annotation
        The type itself.
    required
        A job must give it: its default is ``...`` or ``None``, or the notebook's metadata says so.
    """

    name: str
    type: str
    annotation: Any
    default: Any
    help: str = ""
    required: bool = False


def read_parameters(source: str, required: Iterable[str] = ()) -> dict[str, Parameter]:
    """Read the cell tagged ``parameters``.

    It is never executed: annotations are looked up, defaults are literals. papermill reads the same lines with a
    pattern, which takes no ``|``, no ``Literal`` and no ``#`` in a text.

    Raises
    ------
    ValueError
        A type or a default that cannot be used, or a statement that is no parameter.

    Examples
    --------
    >>> read_parameters("speakers: int = 0  # How many people speak")["speakers"].help
    'How many people speak'
    """
    found: dict[str, Parameter] = {}
    must = set(required)
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} of its parameters: {error.msg}") from None
    comments = _comments(source)
    for line in lines:
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            continue  # a docstring
        match line:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                kind = _type(annotation)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                kind = None
            case _:
                raise ValueError(f"line {line.lineno} of its parameters is no assignment of a literal to a name")
        text = ast.unparse(line.annotation) if isinstance(line, ast.AnnAssign) else ""
        empty = isinstance(value, ast.Constant) and value.value in (None, ...)
        try:
            default = None if empty else ast.literal_eval(value)
        except ValueError:
            raise ValueError(f"the default of its parameter {name} is not a literal: {ast.unparse(value)}") from None
        if kind is None:
            kind, text = (type(default), type(default).__name__) if text == "" and not empty else (Any, "any")
        help = comments.get(line.end_lineno or line.lineno, "")
        optional = empty and text.replace(" ", "").endswith("|None")
        found[name] = Parameter(name, text, kind, default, help, name in must or (empty and not optional))
    return found


@lru_cache(maxsize=64)
def model_of(notebook: BatchNotebook) -> type[BaseModel]:
    """The pydantic model of a notebook's parameters: for JSON schema, forms, and the command line.

    Examples
    --------
    >>> from speaksep_kernel.jobs import notebooks
    >>> model_of(notebooks.get("separate")).model_json_schema()["properties"]["speakers"]["type"]
    'integer'
    """
    fields: dict[str, Any] = {
        # The alias is the name: pydantic keeps some names, such as copy or json, for itself.
        f"field_{number}": (
            each.annotation,
            Field(... if each.required else each.default, alias=each.name, description=each.help),
        )
        for number, each in enumerate(notebook.parameters.values())
    }
    config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=LONGEST)
    return create_model(notebook.name, __config__=config, **fields)


def validated(notebook: BatchNotebook, values: Mapping[str, Any], *, base: Path | None = None) -> dict[str, Any]:
    """Values for a notebook, checked and of the right type; those not given keep the notebook's defaults.

    Parameters
    ----------
    notebook
        Whose.
    values
        Typed, or as text from a table or a command line.
    base
        Directory that relative paths of inputs start from; the current one if ``None``.

    Raises
    ------
    InputError
        Reasons ``unknown-parameter``, ``missing-parameter``, ``bad-parameter``.

    Examples
    --------
    >>> from speaksep_kernel.jobs import notebooks
    >>> validated(notebooks.get("separate"), {"source": "/talk.wav", "speakers": "2"})
    {'source': '/talk.wav', 'speakers': 2}
    """
    unknown = [name for name in values if name not in notebook.parameters]
    if unknown:
        raise InputError(
            f"notebook {notebook.name!r} has no parameter {unknown[0]!r}",
            reason="unknown-parameter",
            hint=f"its parameters: {', '.join(notebook.parameters) or 'none'}",
        )
    for name in notebook.required:
        if values.get(name) in (None, ""):
            parameter = notebook.parameters[name]
            raise InputError(
                f"parameter {name!r} of notebook {notebook.name!r} is missing",
                reason="missing-parameter",
                hint=f"{parameter.type}: {parameter.help}",
            )
    try:
        made = model_of(notebook).model_validate(dict(values)).model_dump(exclude_unset=True, by_alias=True)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        parameter = notebook.parameters[name]
        raise InputError(
            f"parameter {name!r} of notebook {notebook.name!r} is {_short(values[name])}: {first['msg']}",
            reason="bad-parameter",
            hint=f"{parameter.type}: {parameter.help}",
        ) from None
    for name in notebook.inputs:
        if made.get(name) and "://" not in made[name]:
            made[name] = os.path.normpath((base or Path.cwd()) / made[name])
    if made.get(notebook.output):
        _check_output(notebook, made[notebook.output])
    return made


def _check_output(notebook: BatchNotebook, place: str) -> None:
    path = Path(place)
    if path.is_absolute() or ".." in path.parts or path == Path():
        raise InputError(
            f"parameter {notebook.output!r} of notebook {notebook.name!r} is {place!r}, "
            "which is not a place in the job's own directory",
            reason="bad-parameter",
            hint="leave it away, or give a relative path such as 'tracks'",
        )


def _type(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name) if name in PLAIN:
            return PLAIN[name]
        case ast.Constant(value=None):
            return NoneType
        case ast.Constant(value=str(text)):
            return _type(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_type(left), _type(right)]  # noqa: UP007  # types known only here
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            return Literal.__getitem__(ast.literal_eval(choices))
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in ("list", "dict"):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return PLAIN[name][tuple(_type(part) for part in parts)]
    raise ValueError(
        f"its parameters have a type that is not known: {ast.unparse(node)}; there are {', '.join(PLAIN)}, Literal, |"
    )


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
