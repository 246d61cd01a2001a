"""The conformance kit finds every kind of fault it claims to find, and passes what keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from speaksep_kernel import plugins
from speaksep_kernel.diagnosis.report import Finding
from speaksep_kernel.errors import PluginError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.exporters import Flac, Wav
from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.testing import check_plugin, plugin_checks

INFO = PluginInfo("toy", "1", "a toy", sample_rates_hz=(8000,), max_speakers=2)


def faults(kind: str, cls: type[Any], **options: Any) -> set[str]:
    return {result.name for result in check_plugin(kind, cls, **options) if not result.ok}


def separator(separate: Callable[[Any, int], np.ndarray], activity: Any = None, info: Any = INFO) -> type[Any]:
    """A separator that applies ``separate`` to each window."""

    class Toy:
        def __init__(self, *, device: str = "cpu") -> None: ...

        def separate(self, windows: Any, rate_hz: int) -> list[LocalTracks]:
            return [LocalTracks(separate(window, rate_hz), activity) for window in windows]

    Toy.info = info  # type: ignore[attr-defined]
    return Toy


def halves(window: Any, rate_hz: int) -> np.ndarray:
    return np.stack([window, window]) / np.float32(2)


def in_place(window: Any, rate_hz: int) -> np.ndarray:
    window *= 1.01
    return halves(window, rate_hz)


def info(**changes: Any) -> PluginInfo:
    return PluginInfo(**({"name": "toy", "version": "1", "summary": "a toy", "sample_rates_hz": (8000,)} | changes))


NOISE = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("toy", "expected"),
    [
        pytest.param(separator(halves), set(), id="good"),
        pytest.param(separator(halves, np.full((2, 9), 0.5, np.float32)), set(), id="good-with-activity"),
        pytest.param(separator(halves, info=info(name="Toy!")), {"info_is_complete"}, id="bad-name"),
        pytest.param(separator(halves, info=info(devices=("tpu",))), {"info_is_complete"}, id="strange-device"),
        pytest.param(separator(halves, info=info(options={"x": 1})), {"info_is_complete"}, id="options-no-schema"),
        pytest.param(separator(lambda w, r: halves(w, r)[:, 1:]), {"tracks_fit_the_window"}, id="a-sample-short"),
        pytest.param(separator(lambda w, r: halves(w, r).astype(float)), {"tracks_fit_the_window"}, id="float64"),
        pytest.param(
            separator(lambda w, r: np.stack([w, w, w]) / np.float32(3)), {"tracks_fit_the_window"}, id="three"
        ),
        pytest.param(separator(halves, np.full((2, 9), 1.5)), {"activity_is_a_probability"}, id="activity-over-one"),
        pytest.param(separator(halves, np.full((3, 9), 0.5)), {"activity_is_a_probability"}, id="activity-of-three"),
        pytest.param(
            separator(lambda w, r: halves(w, r) + np.float32(1e-3)), {"silence_stays_silent"}, id="hum-in-silence"
        ),
        pytest.param(separator(lambda w, r: halves(w, r) * np.float32(4)), {"level_is_kept"}, id="too-loud"),
        pytest.param(
            separator(lambda w, r: halves(w, r) * np.float32(0.2 / (np.abs(w).max() + 0.1))),
            {"level_is_kept"},
            id="agc",
        ),
        pytest.param(
            separator(lambda w, r: halves(w, r) * np.float32(1 + 1e-3 * NOISE.random())),
            {"same_input_same_output"},
            id="random",
        ),
        pytest.param(separator(in_place), {"windows_do_not_meet"}, id="changes-its-input"),
    ],
)
def test_separators(toy: type[Any], expected: set[str]) -> None:
    assert faults("separator", toy) == expected


def test_a_plugin_without_info_is_found() -> None:
    assert "info_is_complete" in faults("separator", separator(halves, info=None))


def test_nan_is_found() -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        toy = separator(lambda w, r: halves(w, r) / np.float32(np.abs(w).max() > 1e-4))
        assert "everything_is_finite" in faults("separator", toy)


def test_windows_that_leak_into_each_other_are_found() -> None:
    class Leaky:
        info = INFO

        def __init__(self, *, device: str = "cpu") -> None: ...

        def separate(self, windows: Any, rate_hz: int) -> list[LocalTracks]:
            return [LocalTracks(halves(window - windows.mean(0) * 0.1, rate_hz)) for window in windows]

    assert faults("separator", Leaky) == {"windows_do_not_meet"}


def test_swallowed_options_are_found() -> None:
    class Swallower(separator(halves)):  # type: ignore[misc]
        def __init__(self, **anything: Any) -> None: ...

    assert faults("separator", Swallower) == {"unknown_options_are_refused"}


def test_a_fault_tells_the_value_and_a_plugin_that_raises_is_told_apart() -> None:
    def explode(window: Any, rate_hz: int) -> np.ndarray:
        raise KeyError("bang")

    details = {r.name: r.detail for r in check_plugin("separator", separator(explode))}
    assert details["silence_stays_silent"] == "KeyError: 'bang'"
    with pytest.raises(PluginError, match=r"peak 0\.5") as caught:
        plugin_checks("separator")[5](separator(lambda w, r: halves(w, r) + np.float32(0.5)))
    assert caught.value.reason == "not-conforming"


@pytest.mark.parametrize(
    ("embed", "expected"),
    [
        pytest.param(lambda clip: [1.0, 0.0], "voices_are_told_apart", id="all-alike"),
        pytest.param(lambda clip: [len(clip), 0.0], "embeddings_have_unit_length", id="not-unit"),
        pytest.param(lambda clip: [1.0, 0.0], "silence_has_no_voice", id="silence-has-a-voice"),
        pytest.param(lambda clip: NOISE.standard_normal(2), "same_input_same_output", id="random"),
        pytest.param(lambda clip: [np.cos(x := np.std(clip) * 90), np.sin(x)], "level_does_not_matter", id="level"),
    ],
)
def test_encoders(embed: Callable[[Any], Any], expected: str) -> None:
    class Toy:
        info = INFO

        def __init__(self, *, device: str = "cpu") -> None: ...

        def embed(self, clips: Any, rate_hz: int) -> Any:
            return np.array([embed(clip) for clip in clips], np.float32).reshape(len(clips), 2)

    assert expected in faults("encoder", Toy)


class Peak:
    """A diagnoser that keeps the contract."""

    info: ClassVar[PluginInfo] = INFO
    value: ClassVar[Any] = None

    def start(self, facts: Any) -> None:
        self.peak, self.blocks, self.facts = 0.0, 0, facts

    def feed(self, block: Any, start_s: float) -> None:
        self.peak, self.blocks = max(self.peak, float(np.abs(block).max())), self.blocks + 1

    def finish(self, context: Any) -> Any:
        return [Finding("peak", self.peak, "FS", "info", "The loudest sample.")]


class CountsBlocks(Peak):
    def finish(self, context: Any) -> Any:
        return [Finding("blocks", self.blocks, "", "info", "How often it was fed.")]


class OutOfBounds(Peak):
    def finish(self, context: Any) -> Any:
        return [Finding("peak", 0, "", "info", "Later than the end.", ((0.0, self.facts.seconds + 9),))]


class NanOnSilence(Peak):
    def finish(self, context: Any) -> Any:
        value = float("nan") if self.peak == 0 else 1.0
        return [Finding("peak", value, "FS", "info", "A number, or is it?")]


class Dictionaries(Peak):
    def finish(self, context: Any) -> Any:
        return [{"code": "peak"}]


class Scribbler(Peak):
    def feed(self, block: Any, start_s: float) -> None:
        block *= 0
        super().feed(block, start_s)


@pytest.mark.parametrize(
    ("toy", "expected"),
    [
        pytest.param(Peak, set(), id="good"),
        pytest.param(CountsBlocks, {"blocks_do_not_matter"}, id="depends-on-blocks"),
        pytest.param(OutOfBounds, {"findings_are_complete"}, id="span-outside"),
        pytest.param(NanOnSilence, {"extremes_are_survived"}, id="nan"),
        pytest.param(
            Dictionaries, {"findings_are_complete", "extremes_are_survived", "blocks_do_not_matter"}, id="dict"
        ),
        pytest.param(Scribbler, {"input_is_left_alone"}, id="writes-into-blocks"),
    ],
)
def test_diagnosers(toy: type[Any], expected: set[str]) -> None:
    assert faults("diagnoser", toy) == expected


class LossyFlac(Flac):
    subtype = "PCM_S8"


class DatedWav(Wav):
    opened = 0

    def open(self, path: Path, **facts: Any) -> Any:
        DatedWav.opened += 1
        facts["rate_hz"] += DatedWav.opened % 2
        return super().open(path, **facts)


class NoPlaceFlac(Flac):
    def open(self, path: Path, **facts: Any) -> Any:
        path.parent.mkdir(exist_ok=True) if path.parent.parent.exists() else path.stat()
        return super().open(path, **facts)


@pytest.mark.parametrize(
    ("toy", "expected"),
    [
        pytest.param(Flac, set(), id="good"),
        pytest.param(LossyFlac, {"lossless_means_lossless"}, id="loses-bits"),
        pytest.param(DatedWav, {"same_samples_same_bytes", "files_can_be_read_again"}, id="differs-every-time"),
        pytest.param(NoPlaceFlac, {"unwritable_places_are_store_errors"}, id="raises-os-error"),
    ],
)
def test_exporters(toy: type[Any], expected: set[str]) -> None:
    assert faults("exporter", toy) == expected


@pytest.mark.parametrize(
    ("clean", "expected"),
    [
        pytest.param(lambda x: x.copy(), set(), id="good"),
        pytest.param(lambda x: x[1:], {"length_is_kept", "clean_speech_is_left_alone"}, id="short"),
        pytest.param(lambda x: x + np.float32(0.01), {"silence_stays_silent"}, id="hum"),
        pytest.param(lambda x: np.roll(x, 40), {"clean_speech_is_left_alone"}, id="delayed"),
        pytest.param(
            lambda x: x * np.float32(1 + NOISE.random() / 9),
            {"same_input_same_output", "threads_do_not_matter"},
            id="random",
        ),
    ],
)
def test_cleaners(clean: Callable[[Any], Any], expected: set[str]) -> None:
    class Toy:
        info = INFO

        def __init__(self, *, device: str = "cpu") -> None: ...

        def clean(self, samples: Any, rate_hz: int) -> Any:
            return clean(samples)

    assert faults("cleaner", Toy) == expected


class Eager:
    """Not an executor: it runs nothing."""

    info = INFO

    def __init__(self, *, workers: int | None = None) -> None: ...

    def open(self) -> AbstractContextManager[Any]:
        return memoryview(b"")  # type: ignore[return-value]


class Threads(Eager):
    def open(self) -> AbstractContextManager[Any]:
        return ThreadPoolExecutor(2)


@pytest.mark.parametrize(
    ("toy", "expected"),
    [
        pytest.param(Threads, set(), id="good"),
        pytest.param(Eager, {"work_is_done", "faults_come_back"}, id="runs-nothing"),
    ],
)
def test_executors(toy: type[Any], expected: set[str]) -> None:
    assert faults("executor", toy) == expected


@pytest.mark.parametrize("kind", list(map(plugins.kind_of, plugins.GROUPS)))
def test_every_kind_has_checks_that_say_what_they_check(kind: str) -> None:
    assert len(plugin_checks(kind)) >= 4
    assert all(check.__doc__ for check in plugin_checks(kind))
