"""Parameters of a notebook: read from its cell, checked, never executed."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.parameters import model_of, read_parameters, validated
from tests.kernel.batch_notebooks import write

CELL = """
source: str  =  "a # b"  # A text with a hash
count: int | None = None  # May be missing
kind: Literal["flac", "wav"] = "flac"  # One of two
names: list[str] = []  # Several
ratio = 0.5  # Its type is that of its default
must: str = ...  # No default
"""


def test_types_defaults_and_help_are_read():
    read = read_parameters(CELL)
    assert {name: (each.type, each.default, each.required) for name, each in read.items()} == {
        "source": ("str", "a # b", False),
        "count": ("int | None", None, False),
        "kind": ("Literal['flac', 'wav']", "flac", False),
        "names": ("list[str]", [], False),
        "ratio": ("float", 0.5, False),
        "must": ("str", None, True),
    }
    assert read["source"].help == "A text with a hash"


def test_the_schema_makes_forms():
    schema = model_of(notebooks.get("separate")).model_json_schema()
    assert schema["required"] == ["source"]
    speakers = schema["properties"]["speakers"]
    assert (speakers["type"], speakers["default"]) == ("integer", 0)
    assert speakers["description"] == "How many people speak, 1 to 20. 0: find out"


def test_text_becomes_what_the_notebook_declares(tmp_path):
    values = {"recordings": "in", "seconds": "2.5", "people": "3", "tell_speakers": "yes"}
    assert validated(notebooks.get("evaluate"), values, base=tmp_path) == {
        "recordings": str(tmp_path / "in"), "seconds": 2.5, "people": 3, "tell_speakers": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "made"),
    [("a.wav", "/base/a.wav"), ("../a.wav", "/a.wav"), ("/x/a.wav", "/x/a.wav"), ("s3://b/a.wav", "s3://b/a.wav")],
    ids=["relative", "up", "absolute", "url"],
)
def test_inputs_are_made_absolute(given, made):
    assert validated(notebooks.get("separate"), {"source": given}, base=Path("/base"))["source"] == made


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        ({}, "missing-parameter", "'source'.*missing"),
        ({"source": ""}, "missing-parameter", "'source'"),
        ({"source": "a", "sauce": 1}, "unknown-parameter", "'sauce'.*source, directory, speakers"),
        ({"source": "a", "speakers": "two"}, "bad-parameter", "'speakers'.*'two'.*int: How many"),
        ({"source": "a", "speakers": 2.5}, "bad-parameter", "2.5"),
        ({"source": 5}, "bad-parameter", "'source'.*5"),
        ({"source": "a\udcff"}, "bad-parameter", "'source'"),
        ({"source": "x" * 100_000}, "bad-parameter", "…"),
        ({"source": "a", "directory": "/etc"}, "bad-parameter", "'/etc'"),
        ({"source": "a", "directory": "../up"}, "bad-parameter", "own directory"),
    ],
    ids=["none", "empty", "unknown", "text", "fraction", "number", "bytes", "long", "absolute", "up"],
)
def test_what_is_wrong_is_said_with_the_value(values, reason, words):
    with pytest.raises(InputError, match=words) as caught:
        validated(notebooks.get("separate"), values)
    assert caught.value.reason == reason


ANYTHING = st.none() | st.integers() | st.text() | st.floats()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({"source": ANYTHING, "speakers": ANYTHING}))
def test_any_values_pass_with_the_right_types_or_are_refused(values):
    made = {"source": ""}
    with suppress(InputError):
        made = validated(notebooks.get("separate"), values)
    assert isinstance(made["source"], str)
    assert isinstance(made.get("speakers", 0), int)


def test_names_that_pydantic_keeps_are_no_trouble(tmp_path, monkeypatch):
    write(tmp_path, "odd", "copy: int = 1  # One\njson: str = ''  # Two\nmodel_config: int = 3  # Three")
    monkeypatch.setenv("SPEAKSEP_NOTEBOOKS", str(tmp_path))
    values = {"copy": 4, "json": "x", "model_config": 5}
    assert validated(notebooks.get("odd"), values) == values
