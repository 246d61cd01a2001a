"""``speaksep plugins``: what is installed, does it keep its contract, and a new one to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from speaksep_kernel import plugins
from speaksep_kernel.cli.options import JsonOption, option_values
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError, StoreError

app = typer.Typer(help="List, check and start plugins: separators, encoders, formats and more.", no_args_is_help=True)

GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="KIND", help="One kind only, e.g. separator or exporter.")
]


@app.command("list")
def list_(
    group: GroupOption = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the gallery: all of them, the separators measured."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the installed plugins, broken ones with the reason."""
    if html is not None:
        _write_gallery(html, group)
        return
    rows = plugins.describe(group)
    if as_json:
        print_json({"plugins": rows})
        return
    table = [("KIND", "NAME", "VERSION", "STATUS", "PACKAGE", "SUMMARY")]
    table += [
        (row["kind"], row["name"], row.get("version", ""), row["status"], row["package"], row["why"] or row["summary"])
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _write_gallery(file: Path, group: str | None) -> None:
    from speaksep_kernel.testing import gallery

    if group is not None:
        raise InputError("the gallery has all kinds", reason="unused-options", hint="leave out --group or --html")
    if not file.parent.is_dir():  # before a minute of work
        raise InputError(f"no folder {str(file.parent)!r}", reason="directory-not-found", hint="make it first")
    text = gallery.page(gallery.measure_all())
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as cause:
        raise StoreError(
            f"cannot write {str(file)!r}: {cause}", reason="store-failed", hint="choose another"
        ) from cause
    typer.echo(f"{file}: the gallery of all plugins")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of an installed plugin.")],
    group: GroupOption = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of the plugin; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the conformance kit on a plugin, in a process of its own; exit code 1 if it breaks its contract."""
    from speaksep_kernel.containment import KINDS, Bounds, contained
    from speaksep_kernel.testing.conformance import check_plugin

    kind = _kind_of(name, group)
    cls = plugins.get(kind, name)
    tried = contained(kind, cls, Bounds.of(), together=True) if kind in KINDS else cls
    results = check_plugin(kind, tried, **plugins.typed_options(cls.info, option_values(option or [])))
    passed = all(result.ok for result in results)
    if as_json:
        checks: list[dict[str, Any]] = [{"name": r.name, "ok": r.ok, "detail": r.detail} for r in results]
        print_json({"ok": passed, "kind": kind, "name": name, "checks": checks})
    else:
        for result in results:
            typer.echo(
                f"{'ok    ' if result.ok else 'FAILED'}  {result.name}{': ' * bool(result.detail)}{result.detail}"
            )
    if not passed:
        raise typer.Exit(1)


@app.command("new")
def new(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"One of {', '.join(map(plugins.kind_of, plugins.GROUPS))}.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and dashes: my-net.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where to put the new folder.")] = Path(),
) -> None:
    """Write a small, working plugin package with its test."""
    from speaksep_kernel.testing.skeleton import new_plugin

    folder = new_plugin(kind, name, into)
    typer.echo(f"{folder}: a working {kind}. Next: pip install -e '{folder}[test]' && pytest {folder}")


def _kind_of(name: str, group: str | None) -> str:
    """The kind of the plugin ``name``, which must be the only one of that name if no group is given."""
    if group is not None:
        return plugins.kind_of(plugins.group_of(group))
    kinds = [plugins.kind_of(each) for each in plugins.GROUPS if name in plugins.available(each)]
    if len(kinds) != 1:
        raise InputError(
            f"{name!r} is the name of several plugins: {', '.join(kinds)}" if kinds else f"no plugin {name!r}",
            reason="ambiguous-plugin" if kinds else "unknown-plugin",
            hint="add --group KIND" if kinds else "speaksep plugins list shows all",
        )
    return kinds[0]
