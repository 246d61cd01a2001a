"""Verbs that other packages bring to the program."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from speaksep_kernel.cli import brought, main

FOUND = {
    "hub": EntryPoint("hub", "speaksep_hub.cli.hub:app", brought.GROUP),
    "gone": EntryPoint("gone", "no_such_package.cli:app", brought.GROUP),
    "doctor": EntryPoint("doctor", "speaksep_hub.cli.hub:app", brought.GROUP),
}


@pytest.fixture
def _brought(monkeypatch):
    monkeypatch.setattr(brought, "brought", lambda: FOUND)


@pytest.mark.usefixtures("_brought")
def test_help_lists_them_and_says_what_is_broken(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "  hub " in said
    assert "Broken: ModuleNotFoundError: No module named 'no_such_package'" in " ".join(said.split())


@pytest.mark.usefixtures("_brought")
def test_a_broken_one_is_told_when_it_is_asked_for(capsys):
    assert main(["gone", "now", "--fast"]) == 1
    assert "command 'gone' of package ? is broken: ModuleNotFoundError" in capsys.readouterr().err


@pytest.mark.usefixtures("_brought")
def test_nobody_replaces_an_own_verb(capsys):
    assert main(["doctor", "--help"]) == 0
    assert "Check the installation" in capsys.readouterr().out


def test_an_unknown_verb_is_still_unknown(capsys):
    assert main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize("verb", sorted(brought.brought()))
def test_verbs_of_the_hub_say_what_they_do(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert verb in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    heavy = ("jupyterhub", "fastapi", "starlette", "sqlalchemy", "pydantic", "tornado", "traitlets", "torch")
    show = f"print(sys.modules.keys() & set({heavy!r}))"
    program = f"import sys; from speaksep_kernel.cli import main; main(['--help']); {show}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
