"""``speaksep audit``: read the trail of who did what, and check that nobody tampered with it."""

from __future__ import annotations

import json
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError, StoreError

if TYPE_CHECKING:
    from speaksep_hub.audit.chain import Seal

app = typer.Typer(
    help="Who did what on the platform: read it, check it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="Of the trail; that of the settings, if left out.")
]
FOLLOW_S = 0.5
_HEADED = frozenset(
    {"seq", "prev", "hash", "__timestamp__", "__schema__", "__schema_version__", "__metadata_version__", "actor"}
)
_PLAIN = re.compile(r"[!-~]+")


@app.command("verify")
def verify(
    folder: FolderOption = None,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="NUMBER:HASH", help="The last entry as noted once: it must still be there."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no entry was changed, added or taken out."""
    from speaksep_hub.audit.verify import verify as check

    report = check(_folder(folder), _seal(head))
    if report.problems:
        told = "; ".join(map(str, report.problems[:3])) + ("; …" if len(report.problems) > 3 else "")
        raise StoreError(
            f"the audit trail is broken: {told}",
            reason="audit-broken",
            hint="compare it with a copy; entries before the first break are as they were written",
        )
    if as_json:
        print_json(
            {
                "ok": True,
                "files": report.files,
                "entries": report.entries,
                "first": report.first_seq,
                "head": str(report.head),
            }
        )
        return
    removed = f" (before {report.first_seq}, old files were removed)" if report.first_seq > 1 else ""
    typer.echo(f"{report.entries} entries in {report.files} files are as they were written{removed}")
    typer.echo(f"note this elsewhere, and ask for it later with --head: {report.head}")


@app.command("tail")
def tail(
    folder: FolderOption = None,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="The last so many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as entries come, until interrupted.")] = False,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="NAME", help="Only of this kind; repeatable.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Only of this user.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the last entries, each with its number and time."""
    from speaksep_hub.audit.events import EVENTS, KEPT_BY_THE_CHAIN
    from speaksep_hub.audit.verify import entries

    kinds = {*EVENTS, *KEPT_BY_THE_CHAIN, "server"}
    for name in event or ():
        if name not in kinds:
            raise InputError(f"no event {name!r}", reason="unknown-event", hint=f"one of: {', '.join(sorted(kinds))}")
    wanted = _Wanted(frozenset(event or ()), actor)
    place = _folder(folder)
    fresh = _fresh(place) if follow else iter(())
    shown = 0
    for entry in deque(filter(wanted, entries(place)), maxlen=lines):
        _show(entry, as_json=as_json)
        shown = entry["seq"]
    for entry in fresh:
        if entry["seq"] > shown and wanted(entry):
            _show(entry, as_json=as_json)


@dataclass(frozen=True)
class _Wanted:
    events: frozenset[str]
    actor: str | None

    def __call__(self, entry: dict[str, Any]) -> bool:
        from speaksep_hub.audit.events import name_of

        if self.events and name_of(str(entry.get("__schema__"))) not in self.events:
            return False
        return self.actor is None or entry.get("actor") == self.actor


def _show(entry: dict[str, Any], *, as_json: bool) -> None:
    from speaksep_hub.audit.events import name_of

    if as_json:
        typer.echo(json.dumps(entry))
        return
    rest = " ".join(f"{name}={_word(value)}" for name, value in entry.items() if name not in _HEADED)
    who = _word(entry.get("actor") or "-")
    typer.echo(
        f"{entry.get('seq')}  {entry.get('__timestamp__')}  {name_of(str(entry.get('__schema__')))}  {who}  {rest}"
    )


def _word(value: Any) -> str:
    """As JSON where it is not plain: what people named their files must not move the cursor of whoever reads this."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value)


def _fresh(folder: Path) -> Iterator[dict[str, Any]]:
    """Entries that are written from now on, for ever."""
    from speaksep_hub.audit.chain import CURRENT

    file = (folder / CURRENT).open("rb")
    file.seek(0, os.SEEK_END)
    while True:
        line = file.readline()
        if line.endswith(b"\n"):
            yield json.loads(line)
            continue
        file.seek(-len(line), os.SEEK_CUR)
        if not line and not os.path.samestat(os.fstat(file.fileno()), (folder / CURRENT).stat()):
            file.close()
            file = (folder / CURRENT).open("rb")
        time.sleep(FOLLOW_S)


def _folder(given: Path | None) -> Path:
    from speaksep_hub.settings import load

    if given is not None:
        return given
    settings = load()
    return settings.audit.folder or settings.hub.kept("audit")


def _seal(text: str | None) -> Seal | None:
    from speaksep_hub.audit.chain import Seal

    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or not re.fullmatch("[0-9a-f]{8,64}", digest):
        raise InputError(
            f"--head {text!r} is no entry", reason="bad-head", hint="write it as speaksep audit verify printed it"
        )
    return Seal(int(number), digest)
