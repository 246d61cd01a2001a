"""The program's outside: what importing loads, what help names, what every verb promises."""

import ast
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_command

import speaksep_kernel
from speaksep_kernel.cli.app import app, main

HEAVY = (
    "torch",
    "IPython",
    "ipykernel",
    "jupyter_client",
    "papermill",
    "matplotlib",
    "sklearn",
    "librosa",
    "numba",
    "av",
)


def loaded_by(statement: str) -> set[str]:
    program = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import speaksep_kernel; dir(speaksep_kernel)") & {*HEAVY, "numpy", "typer", "pydantic"}


def test_help_loads_nothing_heavy():
    statement = "from speaksep_kernel.cli import main; main(['separate', '--help'])"
    assert not loaded_by(statement) & {*HEAVY, "numpy", "rich"}


@pytest.mark.parametrize("name", speaksep_kernel.__all__)
def test_every_public_name_loads(name):
    assert getattr(speaksep_kernel, name).__doc__


def test_stub_names_what_the_package_offers():
    stub = ast.parse(Path(speaksep_kernel.__file__).with_suffix(".pyi").read_text())
    imported = {
        (node.module.removeprefix("speaksep_kernel."), alias.asname)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {(module, name) for name, module in speaksep_kernel._HOME.items()}


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'separatte'"):
        speaksep_kernel.separatte  # noqa: B018


def test_version_is_the_installed_one(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"speaksep {version('speaksep')}\n"
    assert speaksep_kernel.__version__ == version("speaksep")


def verbs():
    return sorted(get_command(app).commands)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_says_what_it_does(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert verb in capsys.readouterr().out


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_readme(verb):
    readme = Path(__file__).parents[2] / "README.md"
    assert f"speaksep {verb}" in readme.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["seperate", "x"],
        ["separate"],
        ["separate", "x"],
        ["diagnose", "x", "--nonsense"],
        ["separate", "x", "-o", "y", "--format", "aiff"],
        ["separate", "x", "-o", "y", "--quality", "better"],
    ],
    ids=["unknown-verb", "nothing-given", "no-output", "unknown-option", "unknown-format", "unknown-quality"],
)
def test_wrong_words_are_one_line_and_exit_2(words, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("speaksep: ")
    assert captured.err.count("\n") == 1
