"""A plugin package to start from: small, installable, with a test that passes."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.plugins import GROUPS, group_of, kind_of

TEMPLATES = Path(__file__).with_name("templates")
KINDS = tuple(map(kind_of, GROUPS))


def new_plugin(kind: str, name: str, folder: Path) -> Path:
    """Write a working plugin package.

    Parameters
    ----------
    kind
        ``"separator"``, ``"diagnoser"``, ``"encoder"``, ``"cleaner"``, ``"exporter"``, ``"format"`` or ``"executor"``.
    name
        Name of the plugin: lower-case letters, digits and dashes.
    folder
        Where to put the new folder ``speaksep-NAME``.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    InputError
        Reason ``unknown-kind``, ``bad-name`` or ``directory-exists``.
    StoreError
        Reason ``store-failed``: the files cannot be written.
    """
    group = group_of(kind)
    kind = kind_of(group)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise InputError(
            f"{name!r} is no name for a plugin",
            reason="bad-name",
            hint="use lower-case letters, digits, dashes: my-net",
        )
    package = f"speaksep-{name}"
    module = package.replace("-", "_")
    words = {
        "kind": kind,
        "group": group,
        "name": name,
        "package": package,
        "module": module,
        "class_name": "".join(map(str.capitalize, name.split("-"))) + kind.capitalize(),
    }
    target = folder / package
    files = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{module}.py": f"{kind}.py",
        f"tests/test_{module}.py": "test.py",
        ".github/workflows/test.yml": "workflow.yml",
    }
    try:
        target.mkdir(parents=True)
        for path, template in files.items():
            text = Template((TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except FileExistsError as cause:
        raise InputError(
            f"{str(target)!r} exists already", reason="directory-exists", hint="choose another name or --into folder"
        ) from cause
    except OSError as cause:
        raise StoreError(
            f"cannot write {str(target)!r}: {cause}", reason="store-failed", hint="choose another folder with --into"
        ) from cause
    return target
