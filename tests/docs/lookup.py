"""What a line of code speaks of, without running it: verbs and options, targets of make, files, modules."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from typer.main import get_command

from speaksep_kernel.cli.app import app
from tests.docs.pages import ROOT

OURS = tuple(
    sorted(
        path.name + "/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")
        and path.name not in ("build", "dist", "demo", "bench", "out", "runs")
    )
)  # fmt: skip
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) [?:]?=", MAKEFILE, re.MULTILINE))
ENDS = {"|", "||", "&&", ";", ">", ">>", "&", "<", "2>"}


def wrong(code: str) -> list[str]:
    """Everything in shell code that is not there."""
    return [f"{' '.join(words)}: {fault}" for words in _commands(code) for fault in _faults(words)]


def _commands(code: str) -> Iterator[list[str]]:
    """Words of each simple command, as far as they can be told by reading."""
    for line in re.sub(r"\\\n\s*", " ", code).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split, lexer.commenters = True, "#"
        words: list[str] = []
        try:
            for token in [*lexer, ";"]:
                if token in ENDS:
                    yield from [words] if words else []
                    words = []
                else:
                    words.append(token)
        except ValueError:
            continue  # a quotation over several lines: bash has looked at it


def _faults(words: list[str]) -> Iterator[str]:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words:
        return
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program == "speaksep":
        yield from _of_speaksep(arguments)
    elif program == "make":
        names = {word.partition("=")[0] for word in arguments}
        yield from sorted(f"no {name!r} in the Makefile" for name in names - TARGETS - VARIABLES)
    elif program in ("python", "python3") and arguments[:1] == ["-m"]:
        yield from [] if _is_module(arguments[1]) else [f"no module {arguments[1]}"]
    for word in words:
        path = word.partition("::")[0].partition("=")[2] or word.partition("::")[0]
        if path.startswith(OURS) and not any(ROOT.glob(path.rstrip("/"))):
            yield f"no {path}"


def _of_speaksep(arguments: list[str]) -> Iterator[str]:
    command: Any = get_command(app)
    context = command.make_context("speaksep", [], resilient_parsing=True)
    while hasattr(command, "commands") and arguments:
        found = command.get_command(context, arguments[0])
        if found is None and any(one.param_type_name == "argument" for one in command.get_params(context)):
            found, arguments = command.get_command(context, arguments[1]), arguments[1:]  # speaksep edit DIR VERB
        if found is None:
            yield f"no verb {arguments[0]!r}"
            return
        command, arguments = found, arguments[1:]
        context = command.make_context(found.name, [], parent=context, resilient_parsing=True)
    options = {name for one in command.get_params(context) for name in (*one.opts, *one.secondary_opts)}
    for word in arguments:
        name = word.partition("=")[0]
        if re.match(r"--?[a-zA-Z]", name) and name not in options:
            yield f"no option {name}"


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
