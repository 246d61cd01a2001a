"""The plan: what will be done with a recording, and why, decided from its diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from speaksep_kernel import plugins
from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.cost import WINDOW_S, predict_memory_bytes, predict_seconds
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
Quality = Literal["fast", "balanced", "best"]

MAX_SPEAKERS = 8
"""Most speakers that are looked for unasked."""
MOST_SPEAKERS = 20
"""Most speakers that may be asked for."""
HOP_S: Mapping[str, float] = {"fast": 8.0, "balanced": 6.0, "best": 4.0}
"""Step between windows of the network: more overlap, better seams, more work."""


@dataclass(frozen=True)
class Plan:
    """What `separate` will do.

    Attributes
    ----------
    separator, separator_options
        Name of the plugin and its options.
    speakers
        Exact number; ``None`` decides from the recording.
    min_speakers, max_speakers
        Bounds where it is not exact.
    cleaning
        Cleaning steps that will be applied, in order.
    offered
        Cleaning steps the diagnosis advises but nobody asked for.
    window_s, hop_s
        Windows the network sees.
    device
        "cpu" or "cuda".
    quality
        "fast", "balanced" or "best".
    format
        File format of the tracks; ``None`` leaves it to the caller.
    predicted_seconds, predicted_memory_bytes
        Expected cost of the separation on this machine.
    reasons
        One sentence for every decision.
    """

    separator: str = "speaksep"
    separator_options: Mapping[str, Any] = field(default_factory=dict)
    speakers: int | None = None
    min_speakers: int = 0
    max_speakers: int = MAX_SPEAKERS
    cleaning: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    window_s: float = WINDOW_S
    hop_s: float = HOP_S["balanced"]
    device: Literal["cpu", "cuda"] = "cpu"
    quality: Quality = "balanced"
    format: str | None = None
    predicted_seconds: float = 0.0
    predicted_memory_bytes: int = 0
    reasons: tuple[str, ...] = ()

    def explain(self) -> str:
        """The reasoning, one line per decision."""
        return "\n".join(f"- {reason}" for reason in self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        lists = {name: list(getattr(self, name)) for name in ("cleaning", "offered", "reasons")}
        return asdict(self) | {"separator_options": dict(self.separator_options)} | lists

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        return cls(**{**data, **{name: tuple(data[name]) for name in ("cleaning", "offered", "reasons")}})


def make_plan(
    diagnosis: Diagnosis,
    *,
    speakers: int | Literal["auto"] | None = None,
    min_speakers: int = 0,
    max_speakers: int = MAX_SPEAKERS,
    separator: str = "speaksep",
    separator_options: Mapping[str, Any] | None = None,
    device: Device = "auto",
    quality: Quality = "balanced",
    clean: bool | None = None,
    format: str | None = None,
) -> Plan:
    """Decide what to do with a recording, following the advice of its diagnosis.

    Parameters
    ----------
    diagnosis
        What was found.
    speakers, min_speakers, max_speakers
        What the caller knows of the number of speakers; ``None`` or "auto" decides from the recording.
    separator, separator_options
        Plugin to use where people talk over each other.
    device
        "auto" takes a GPU if there is one.
    quality
        More overlap between windows costs more time.
    clean
        Apply the advised cleaning; by default it is named in the plan but not applied.
    format
        File format of the tracks.

    Raises
    ------
    InputError
        Reason ``bad-speakers``, ``unknown-separator``, ``unknown-device``, ``no-gpu``, ``unknown-quality`` or
        ``no-cleaner``.
    """
    count = _checked_speakers(speakers, min_speakers, max_speakers)
    _one_of("device", device, get_args(Device))
    _one_of("quality", quality, get_args(Quality))
    info = plugins.get("speaksep.separators", separator).info
    chosen, device_why = _device(device, info)
    cleaning, offered, clean_why = _cleaning(diagnosis, clean)
    needed = _network_needed(diagnosis)
    seconds = predict_seconds(diagnosis, hop_s=HOP_S[quality], device=chosen, network=needed)
    return Plan(
        separator=separator,
        separator_options=dict(separator_options or {}),
        speakers=count,
        min_speakers=min_speakers,
        max_speakers=max_speakers,
        cleaning=cleaning,
        offered=offered,
        hop_s=HOP_S[quality],
        device=chosen,
        quality=quality,
        format=format,
        predicted_seconds=seconds,
        predicted_memory_bytes=predict_memory_bytes(diagnosis),
        reasons=(
            _speakers_why(diagnosis, count, min_speakers, max_speakers),
            _separation_why(diagnosis, separator, needed),
            *clean_why,
            *_source_why(diagnosis),
            device_why,
            f"This should take about {_duration(seconds)}.",
        ),
    )


def _checked_speakers(speakers: object, least: int, most: int) -> int | None:
    hint = f"give a whole number from 1 to {MOST_SPEAKERS}, or auto"
    if not 0 <= least <= most <= MOST_SPEAKERS:
        raise InputError(
            f"bounds of {least} to {most} speakers",
            reason="bad-speakers",
            hint=f"the least may not exceed the most, and that not {MOST_SPEAKERS}",
        )
    if speakers is None or speakers == "auto":
        return None
    if isinstance(speakers, bool) or not isinstance(speakers, int) or not 1 <= speakers <= MOST_SPEAKERS:
        raise InputError(f"cannot look for {speakers!r} speakers", reason="bad-speakers", hint=hint)
    return speakers


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"unknown {what} {value!r}", reason=f"unknown-{what}", hint=f"one of: {', '.join(allowed)}")


def _device(device: Device, info: plugins.PluginInfo) -> tuple[Literal["cpu", "cuda"], str]:
    if device == "cpu":
        return "cpu", "On the CPU, as asked."
    if "cuda" not in info.devices:
        if device == "cuda":
            raise InputError(
                f"separator {info.name!r} does not run on cuda", reason="no-gpu", hint="use device cpu or auto"
            )
        return "cpu", f"On the CPU: {info.name} runs nowhere else."
    import torch

    if torch.cuda.is_available():
        return "cuda", "On the GPU, as asked." if device == "cuda" else "On the GPU, since there is one."
    if device == "cuda":
        raise InputError("there is no usable CUDA device", reason="no-gpu", hint="use device cpu or auto")
    return "cpu", "On the CPU: there is no GPU here."


def _cleaning(diagnosis: Diagnosis, clean: bool | None) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Steps to apply, steps only offered, and the reasons."""
    known = set(Advice)
    steps = tuple(step for text in diagnosis.advice if text in known and (step := Advice(text).cleaner))
    if not clean or not steps:
        if not steps:
            return (), (), ("No cleaning: nothing asks for it.",) if clean else ()
        return (), steps, (f"No cleaning, though {_list(steps)} would help: it is applied only on request.",)
    cleaners = plugins.available("speaksep.cleaners")
    missing = tuple(step for step in steps if not isinstance(cleaners.get(step), plugins.Loaded))
    if missing:
        raise InputError(
            f"no cleaner is installed for {_list(missing)}",
            reason="no-cleaner",
            hint="install a plugin of group speaksep.cleaners, or separate without cleaning",
        )
    return steps, (), (f"Cleaning with {_list(steps)}, as asked and advised.",)


def _network_needed(diagnosis: Diagnosis) -> bool:
    return bool(diagnosis.overlap_spans) and diagnosis.recording.mixture != "apart"


def _speakers_why(diagnosis: Diagnosis, count: int | None, least: int, most: int) -> str:
    if count is not None:
        heard = "" if count == diagnosis.speakers else f"; the diagnosis heard {diagnosis.speakers}"
        return f"{_people(count)}, as asked{heard}."
    bounds = "" if (least, most) == (0, MAX_SPEAKERS) else f", within the bounds of {least} to {most}"
    if not diagnosis.speakers:
        return f"The number of speakers is decided by the recording{bounds}; the diagnosis heard nobody."
    sure = f"{100 * diagnosis.speaker_confidence:.0f} % sure"
    return f"{_people(diagnosis.speakers)}, decided by the recording{bounds} ({sure})."


def _separation_why(diagnosis: Diagnosis, separator: str, needed: bool) -> str:
    if not diagnosis.turns:
        return "No track: nobody speaks, everything stays in the residual."
    if diagnosis.recording.mixture == "apart":
        return "Each channel holds its own speaker and becomes a track as it is; no network is needed."
    if not needed:
        return "Nobody talks over anybody: the tracks are cut out of the recording as it is, without a network."
    share = f"{100 * diagnosis.overlap_ratio:.0f} % of the speech"
    return f"{separator} separates the {len(diagnosis.overlap_spans)} places where people overlap ({share})."


def _source_why(diagnosis: Diagnosis) -> tuple[str, ...]:
    asked = (Advice.CHECK_SOURCE, Advice.CHECK_SPEAKERS, Advice.CHECK_TRACKS)
    return tuple(f"{f.why} {Advice(f.advice).sentence}" for f in diagnosis.findings if f.advice in asked)


def _people(count: int) -> str:
    return "1 speaker" if count == 1 else f"{count} speakers"


def _list(steps: tuple[str, ...]) -> str:
    return ", ".join(steps)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min"
