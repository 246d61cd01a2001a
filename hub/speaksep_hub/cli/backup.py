"""``speaksep backup``: make, look at, check and restore backups of the platform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speaksep_kernel.cli.options import JsonOption
from speaksep_kernel.cli.output import print_json
from speaksep_kernel.errors import InputError, StoreError

if TYPE_CHECKING:
    from speaksep_hub.backup.vault import Vault
    from speaksep_hub.settings import Settings

app = typer.Typer(
    help="Backups of the platform: databases, recordings, results, voices, audit trail.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="DIR|URL", help="Where backups are; backup.to of the settings, if left out."),
]
KeyOption = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help="Holds their key; backup.key, if left out.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings; those of SPEAKSEP_HUB_CONFIG, if left out.")
]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="Of the hub; hub.folder, if left out.")
]
BackupArgument = Annotated[str, typer.Argument(metavar="[ID]", help="Which; the newest, if left out.")]


@app.command("create")
def create(
    at: AtOption = None,
    key_file: KeyOption = None,
    config: ConfigOption = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one, while the platform runs."""
    from speaksep_hub.backup.create import create as make

    settings = _settings(config, folder)
    vault = _vault(settings, at, key_file, make=True)
    made = make(settings, vault)
    _note(settings, "backup-made", backup=made.id, files=made.files, bytes=made.bytes, lost=made.lost)
    if as_json:
        print_json({"ok": made.lost == 0, "backup": made.model_dump(mode="json")})
    else:
        typer.echo(
            f"{made.id}: {made.files} files of {_size(made.bytes)}, {made.new_files} of them new "
            f"({_size(made.new_bytes)}), in {made.took_s:.1f} s"
        )
    if made.lost:
        lost = ", ".join(vault.listing(made).lost[:3])
        if not as_json:
            typer.echo(f"{made.lost} things that the databases name are lost or damaged: {lost}", err=True)
        raise typer.Exit(1)


@app.command("list")
def show(
    at: AtOption = None,
    key_file: KeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show those there are, the newest first."""
    found = _vault(_settings(config, None), at, key_file).summaries()
    if as_json:
        print_json({"ok": True, "backups": [each.model_dump(mode="json") for each in found]})
        return
    for each in found:
        people, jobs = each.rows.get("hub", {}).get("users", 0), each.rows.get("jobs", {}).get("jobs", 0)
        lost = f", {each.lost} lost" if each.lost else ""
        typer.echo(
            f"{each.id}  {_size(each.bytes):>9} ({_size(each.new_bytes)} new), {people} people, {jobs} jobs, "
            f"SpeakSep {each.speaksep}{lost}"
        )


@app.command("verify")
def verify(
    backup: BackupArgument = "latest",
    at: AtOption = None,
    key_file: KeyOption = None,
    config: ConfigOption = None,
    discard: Annotated[
        bool,
        typer.Option("--discard", help="Remove files that are damaged: the next backup takes them from the platform."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every byte of one, and see whether all of it is as it was written."""
    from speaksep_hub.backup.verify import verify as check

    vault = _vault(_settings(config, None), at, key_file)
    summary = vault.summary(backup)
    report = check(vault, summary, discard=discard)
    if report.problems:
        raise StoreError(
            f"backup {summary.id} is damaged: {'; '.join(report.problems[:3])}",
            reason="backup-damaged",
            hint="make a new one"
            if discard
            else "speaksep backup verify --discard removes what is damaged; then make a new one",
        )
    if as_json:
        print_json({"ok": True, "id": summary.id, "files": report.files, "bytes": report.bytes})
    else:
        typer.echo(f"{summary.id}: {report.files} files of {_size(report.bytes)} are as they were written")


@app.command("restore")
def restore(
    backup: BackupArgument = "latest",
    at: AtOption = None,
    key_file: KeyOption = None,
    config: ConfigOption = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the platform again from one, where nothing is, while it does not run."""
    from dataclasses import asdict

    from speaksep_hub.backup.restore import restore as put_back

    settings = _settings(config, folder)
    vault = _vault(settings, at, key_file)
    summary = vault.summary(backup)
    done = put_back(settings, vault, summary)
    _note(settings, "backup-restored", backup=summary.id, files=done.files, bytes=done.bytes)
    if as_json:
        print_json({"ok": True, "id": summary.id, "made_at": summary.made_at.isoformat(), **asdict(done)})
        return
    rows = ", ".join(f"{sum(tables.values())} rows of {name}" for name, tables in done.rows.items())
    typer.echo(
        f"restored as of {summary.made_at:%Y-%m-%d %H:%M:%S} UTC: {done.files} files of {_size(done.bytes)}, {rows}"
    )


@app.command("prune")
def prune(
    keep_days: Annotated[
        float | None,
        typer.Option("--keep-days", metavar="DAYS", min=0, help="Younger ones stay; backup.keep_days, if left out."),
    ] = None,
    at: AtOption = None,
    key_file: KeyOption = None,
    config: ConfigOption = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old ones, and files that only they held; the newest stays."""
    from speaksep_hub.backup.prune import prune as remove

    settings = _settings(config, folder)
    vault = _vault(settings, at, key_file)
    done = remove(vault, settings.backup.keep_days if keep_days is None else keep_days)
    for each in done.backups:
        _note(settings, "backup-removed", backup=each.id)
    if as_json:
        removed = [each.id for each in done.backups]
        print_json({"ok": True, "removed": removed, "files": done.files, "bytes": done.bytes})
    else:
        typer.echo(f"{len(done.backups)} backups, {done.files} files and {_size(done.bytes)} removed")


def _settings(config: Path | None, folder: Path | None) -> Settings:
    import os

    from speaksep_hub.settings import PREFIX, load

    told = dict(os.environ)
    if folder is not None:
        told[f"{PREFIX}HUB__FOLDER"] = str(folder.expanduser().absolute())
    return load(config, told)


def _vault(settings: Settings, at: str | None, key_file: Path | None, *, make: bool = False) -> Vault:
    from speaksep_hub.backup.vault import Vault

    place = at or settings.backup.to
    if not place:
        raise InputError(
            "nobody said where backups are",
            reason="no-backup-place",
            hint="--at DIR or s3://bucket/prefix, or backup.to in the settings",
        )
    key = None if settings.backup.key is None else settings.backup.key.get_secret_value()
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot read the key file {str(key_file)!r}: {error}", reason="bad-key", hint="check --key-file"
            ) from error
    return Vault.open(place, key, make=make)


def _note(settings: Settings, event: str, **fields: Any) -> None:
    from speaksep_hub.audit.log import AuditLog
    from speaksep_kernel.jobs.job import user_name

    AuditLog.of(settings, "backup").record(event, actor=user_name(), **fields)


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
