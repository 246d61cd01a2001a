"""What a check is, and the checks that hold for plugins of every kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import PluginError, SpeakSepError
from speaksep_kernel.plugins import API_VERSION, PluginInfo
from speaksep_kernel.testing.voices import voice

Float32 = NDArray[np.float32]

Check = Callable[..., None]
"""``check(cls, **options)``: raises `PluginError` (reason ``not-conforming``) where the plugin breaks its contract."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Attributes
    ----------
    name
        Name of the check, e.g. ``silence_stays_silent``.
    ok
        The plugin passed.
    detail
        What was wrong, with the value; empty if nothing.
    """

    name: str
    ok: bool
    detail: str = ""


def ensure(condition: bool, fault: str) -> None:
    """Raise `PluginError` with ``fault`` unless ``condition``."""
    if not condition:
        raise PluginError(fault, reason="not-conforming", hint="see docs/plugins.md for the contract")


def run(checks: Sequence[Check], cls: type[Any], options: dict[str, Any]) -> list[CheckResult]:
    """Run ``checks`` on a plugin; whatever a plugin raises is a failed check."""
    results = []
    for check in checks:
        try:
            check(cls, **options)
        except PluginError as fault:
            results.append(CheckResult(check.__name__, False, fault.error))
        except Exception as fault:  # a stranger's code may raise anything
            results.append(CheckResult(check.__name__, False, f"{type(fault).__name__}: {fault}"))
        else:
            results.append(CheckResult(check.__name__, True))
    return results


def info_is_complete(cls: type[Any], **options: Any) -> None:
    """``info`` is a `PluginInfo` that says what the plugin is and survives JSON."""
    info = getattr(cls, "info", None)
    ensure(isinstance(info, PluginInfo), f"info is {info!r}, not a PluginInfo")
    assert isinstance(info, PluginInfo)
    ensure(
        bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", info.name)),
        f"name {info.name!r} is not lower-case letters and digits",
    )
    ensure(bool(info.version and info.summary), "version or summary is empty")
    ensure(info.api_version == API_VERSION, f"api_version is {info.api_version}, this SpeakSep has {API_VERSION}")
    ensure({"cpu"} <= set(info.devices) <= {"cpu", "cuda"}, f"devices {info.devices} must hold cpu and may hold cuda")
    ensure(all(rate > 0 for rate in info.sample_rates_hz), f"sample rates {info.sample_rates_hz} are not all positive")
    ensure(all(isinstance(schema, dict) for schema in info.options.values()), "options must be JSON schemas by name")
    json.dumps(dict(info.options))


def unknown_options_are_refused(cls: type[Any], **options: Any) -> None:
    """A misspelt option is an error, not silently ignored."""
    try:
        cls(**options, no_such_option_exists=1)
    except (TypeError, SpeakSepError):
        return
    ensure(False, "an unknown option was accepted")


def rates_of(info: PluginInfo) -> tuple[int, ...]:
    """Rates to try a plugin at."""
    return info.sample_rates_hz or (16000, 8000)


def speech(rate_hz: int, seconds: float, name: str = "allison") -> Float32:
    """Real speech at about -24 dBFS, (samples,)."""
    import soxr

    clips = np.concatenate(voice(name))[: int(seconds * 16000) + 16000]
    return np.asarray(soxr.resample(clips, 16000, rate_hz)[: round(seconds * rate_hz)], np.float32)


def level_db(samples: Float32) -> float:
    """RMS in dBFS, not below -200."""
    return float(20 * np.log10(max(1e-10, float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))))))
