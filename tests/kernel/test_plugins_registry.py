"""The registry over entry points: what it finds, what it refuses, and that nothing a stranger installs breaks it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from speaksep_kernel import plugins
from speaksep_kernel.errors import InputError, PluginError

GOOD = """
from speaksep_kernel.plugins import PluginInfo

class Plugin:
    options = {{"depth": {{"type": "integer"}}, "loud": {{"type": "boolean"}}}}
    info = PluginInfo("toy", "2.1", "a toy", options=options, {more})

    def __init__(self, *, device="cpu", depth=1, loud=False):
        if depth == 13:
            raise ZeroDivisionError("thirteen")
        self.device, self.depth, self.loud = device, depth, loud
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put packages with one separator called "toy" (or ``name``) on the path, as pip would."""
    monkeypatch.syspath_prepend(tmp_path)
    plugins.refresh()

    def put(package: str, code: str, name: str = "toy", attribute: str = "Plugin") -> None:
        module = package.replace("-", "_") + f"_{tmp_path.name}"  # a name of its own, as imports are remembered
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[speaksep.separators]\n{name} = {module}:{attribute}\n")
        plugins.refresh()

    yield put
    plugins.refresh()


def good(more: str = "") -> str:
    return GOOD.format(more=more)


def test_an_installed_plugin_is_found(install: Install) -> None:
    install("toys", good())
    found = plugins.available("speaksep.separators")["toy"]
    assert isinstance(found, plugins.Loaded)
    assert (found.package, found.info.version, found.missing) == ("toys", "2.1", ())
    assert plugins.get("separator", "toy") is plugins.get("speaksep.separators", "toy") is found.cls


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        pytest.param("import no_such_module", "toy", "No module named 'no_such_module'", id="import-fails"),
        pytest.param("1/0", "toy", "ZeroDivisionError", id="raises-on-import"),
        pytest.param("raise SystemExit(3)", "toy", "SystemExit", id="exits-on-import"),
        pytest.param("class Plugin", "toy", "SyntaxError", id="syntax-error"),
        pytest.param("Other = 1", "toy", "has no attribute 'Plugin'", id="attribute-missing"),
        pytest.param("class Plugin: pass", "toy", "not a class with a PluginInfo", id="no-info"),
        pytest.param("def Plugin(): pass", "toy", "not a class with a PluginInfo", id="function"),
        pytest.param(good(), "bear", "its info calls it 'toy'", id="two-names"),
        pytest.param(good("api_version=99"), "toy", "plugin interface 99", id="future-interface"),
    ],
)
def test_a_broken_plugin_is_reported_and_never_fatal(install: Install, code: str, name: str, why: str) -> None:
    install("broken-toys", code, name)
    rows = {row["name"]: row for row in plugins.describe("separator")}
    assert rows[name]["status"] == "broken"
    assert rows[name]["package"] == "broken-toys"
    assert why in rows[name]["why"]
    assert rows["file"]["status"] == "ok"
    with pytest.raises(PluginError, match="broken-toys") as caught:
        plugins.get("separator", name)
    assert caught.value.reason == "broken-plugin"


def test_two_packages_with_one_name_are_both_refused(install: Install) -> None:
    install("toys", good())
    install("other-toys", good())
    with pytest.warns(RuntimeWarning, match="claimed by other-toys and toys"):
        found = plugins.available("speaksep.separators")
    assert not [key for key, value in found.items() if "toy" in key and isinstance(value, plugins.Loaded)]
    assert {value.package for key, value in found.items() if "toy" in key} == {"toys", "other-toys"}
    with pytest.raises(PluginError, match="claimed by other-toys and toys"):
        plugins.get("separator", "toy")


def test_a_built_in_keeps_its_name(install: Install) -> None:
    install("toys", good(), name="file")
    with pytest.warns(RuntimeWarning, match="claimed by speaksep and toys"):
        assert plugins.get("separator", "file").__module__ == "speaksep_kernel.separation.file_model"
    assert [row["package"] for row in plugins.describe("separator") if row["status"] == "broken"].count("toys") == 1


def test_a_missing_requirement_is_told_before_use(install: Install) -> None:
    install("toys", good("requires=('numpy', 'no_such_module')"))
    assert [row["status"] for row in plugins.describe("separator") if row["name"] == "toy"] == ["missing"]
    with pytest.raises(InputError, match="no_such_module") as caught:
        plugins.get("separator", "toy")
    assert caught.value.reason == "missing-package"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown separator 'nonsense'") as caught:
        plugins.get("speaksep.separators", "nonsense")
    assert caught.value.reason == "unknown-separator"
    assert "file" in caught.value.hint


@pytest.mark.parametrize("word", ["separator", "separators", "speaksep.separators"])
def test_a_kind_has_three_spellings(word: str) -> None:
    assert plugins.group_of(word) == "speaksep.separators"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="'seperator'") as caught:
        plugins.group_of("seperator")
    assert (caught.value.reason, "separator" in caught.value.hint) == ("unknown-kind", True)


def test_options_are_typed_from_text(install: Install) -> None:
    install("toys", good())
    toy = plugins.create("separator", "toy", device="cuda", depth="3", loud="true")
    assert (toy.device, toy.depth, toy.loud) == ("cuda", 3, True)


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        pytest.param({"width": 1}, InputError, "unknown-option", id="unknown"),
        pytest.param({"depth": "deep"}, InputError, "bad-option", id="not-a-number"),
        pytest.param({"loud": "maybe"}, InputError, "bad-option", id="not-a-boolean"),
        pytest.param({"depth": 13}, PluginError, "plugin-failed", id="constructor-raises"),
    ],
)
def test_bad_options_are_refused(
    install: Install, options: dict[str, object], error: type[Exception], reason: str
) -> None:
    install("toys", good())
    with pytest.raises(error) as caught:
        plugins.create("separator", "toy", **options)
    assert getattr(caught.value, "reason", None) == reason


def test_the_description_is_json() -> None:
    rows = json.loads(json.dumps(plugins.describe()))
    assert {row["kind"] for row in rows} <= set(map(plugins.kind_of, plugins.GROUPS))
    assert {"path", "rate_hz"} == set(next(row for row in rows if row["name"] == "file")["options"])


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from speaksep_kernel import plugins; plugins.describe();"
        "print(sorted({'torch', 'onnxruntime', 'IPython', 'matplotlib', 'sklearn', 'librosa'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_built_in_plugin_loads() -> None:
    own = [row for row in plugins.describe() if row["package"] == plugins.OWN_PACKAGE]
    assert own
    assert [(row["kind"], row["name"], row["why"]) for row in own if row["status"] == "broken"] == []
