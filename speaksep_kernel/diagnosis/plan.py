"""The plan: what will be done with a recording, and why, decided from its diagnosis."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
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
CLEANING_ORDER = ("declip", "dc", "rumble", "hum", "denoise")
"""What was cut off is restored from sound as it was recorded, and noise is judged best when nothing else is wrong."""
ON_EXPORT = ("loudness",)
"""Advice that changes levels: the tracks of a separation keep theirs."""
LISTS = ("known", "cleaning", "offered", "reasons")
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
    known
        People in the voice book who are expected to speak; others may.
    cleaning, cleaning_options
        Cleaning steps that will be applied, in order, and options of some of them.
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
    known: tuple[str, ...] = ()
    cleaning: tuple[str, ...] = ()
    cleaning_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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
        lists = {name: list(getattr(self, name)) for name in LISTS}
        cleaning = {name: dict(options) for name, options in self.cleaning_options.items()}
        options = {"separator_options": dict(self.separator_options), "cleaning_options": cleaning}
        return asdict(self) | options | lists

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        return cls(**{**data, **{name: tuple(data[name]) for name in LISTS}})


def make_plan(
    diagnosis: Diagnosis,
    *,
    speakers: int | Literal["auto"] | None = None,
    min_speakers: int = 0,
    max_speakers: int = MAX_SPEAKERS,
    known: Sequence[str] = (),
    separator: str = "speaksep",
    separator_options: Mapping[str, Any] | None = None,
    device: Device = "auto",
    quality: Quality = "balanced",
    clean: bool | Sequence[str] | None = None,
    cleaning_options: Mapping[str, Mapping[str, Any]] | None = None,
    format: str | None = None,
) -> Plan:
    """Decide what to do with a recording, following the advice of its diagnosis.

    Parameters
    ----------
    diagnosis
        What was found.
    speakers, min_speakers, max_speakers
        What the caller knows of the number of speakers; ``None`` or "auto" decides from the recording.
    known
        People in the voice book who are expected to speak: their voices hold the clustering. Others may speak too.
    separator, separator_options
        Plugin to use where people talk over each other.
    device
        "auto" takes a GPU if there is one.
    quality
        More overlap between windows costs more time.
    clean
        ``True`` applies the advised cleaning, names of cleaners apply these; by default the advised cleaning is named
        in the plan but not applied.
    cleaning_options
        Options of cleaners, by their names.
    format
        File format of the tracks.

    Raises
    ------
    InputError
        Reason ``bad-speakers``, ``unknown-separator``, ``unknown-device``, ``no-gpu``, ``unknown-quality``,
        ``no-cleaner``, ``unknown-cleaner`` or ``unused-options``.
    """
    count = _checked_speakers(speakers, min_speakers, max_speakers)
    named = _checked_known(known, count or max_speakers)
    _one_of("device", device, get_args(Device))
    _one_of("quality", quality, get_args(Quality))
    info = plugins.get("speaksep.separators", separator).info
    chosen, device_why = _device(device, info)
    cleaning, offered, clean_why = _cleaning(diagnosis, clean)
    _check_cleaning_options(cleaning_options or {}, cleaning)
    needed = _network_needed(diagnosis)
    seconds = predict_seconds(diagnosis, hop_s=HOP_S[quality], device=chosen, network=needed)
    return Plan(
        separator=separator,
        separator_options=dict(separator_options or {}),
        speakers=count,
        min_speakers=min_speakers,
        max_speakers=max_speakers,
        known=named,
        cleaning=cleaning,
        cleaning_options=dict(cleaning_options or {}),
        offered=offered,
        hop_s=HOP_S[quality],
        device=chosen,
        quality=quality,
        format=format,
        predicted_seconds=seconds,
        predicted_memory_bytes=predict_memory_bytes(diagnosis),
        reasons=(
            _speakers_why(diagnosis, count, min_speakers, max_speakers),
            *((f"The voices of {_list(named)} are known beforehand.",) if named else ()),
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


def _checked_known(known: Sequence[str], most: int) -> tuple[str, ...]:
    named = tuple(dict.fromkeys([known] if isinstance(known, str) else known))
    if len(named) > most:
        raise InputError(
            f"{len(named)} people are known to speak ({_list(named)}), but {most} at most are looked for",
            reason="bad-speakers",
            hint="raise the number of speakers, or name fewer of them",
        )
    return named


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
    if os.environ.get("SPEAKSEP_DEVICE_GIVEN") == "cpu":  # a kernel that was refused a GPU, or gave it back
        if device == "auto":
            return "cpu", "On the CPU: this kernel has no slot of a GPU."
        raise InputError(
            f"this kernel has no GPU ({os.environ.get('SPEAKSEP_DEVICE_REASON', '')})",
            reason="no-gpu",
            hint="use device cpu or auto, or restart the kernel when a slot is free",
        )
    import torch

    if torch.cuda.is_available():
        return "cuda", "On the GPU, as asked." if device == "cuda" else "On the GPU, since there is one."
    if device == "cuda":
        raise InputError("there is no usable CUDA device", reason="no-gpu", hint="use device cpu or auto")
    return "cpu", "On the CPU: there is no GPU here."


def _cleaning(
    diagnosis: Diagnosis, clean: bool | Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Steps to apply, steps only offered, and the reasons."""
    known = set(Advice)
    advised = (step for text in diagnosis.advice if text in known and (step := Advice(text).cleaner))
    steps = _in_order(advised)
    later = tuple(step for step in steps if step in ON_EXPORT)
    now = tuple(step for step in steps if step not in ON_EXPORT)
    on_export = tuple(f"Levels stay as they are; {step} can be brought to a target on export." for step in later)
    if clean is not None and not isinstance(clean, bool):
        named = _in_order([clean] if isinstance(clean, str) else clean)
        for step in named:
            plugins.get("speaksep.cleaners", step)
        left = tuple(step for step in steps if step not in named)
        return (
            named,
            left,
            (f"Cleaning with {_list(named)}, as asked." if named else "No cleaning, as asked.", *on_export),
        )
    if not clean:
        why = (f"No cleaning, though {_list(now)} would help: it is applied only on request.",) if now else ()
        return (), steps, (*why, *on_export)
    if not now:
        return (), later, ("No cleaning: nothing asks for it.", *on_export)
    cleaners = plugins.available("speaksep.cleaners")
    missing = tuple(step for step in now if not isinstance(cleaners.get(step), plugins.Loaded))
    if missing:
        raise InputError(
            f"no cleaner is installed for {_list(missing)}",
            reason="no-cleaner",
            hint="install a plugin of group speaksep.cleaners, or separate without cleaning",
        )
    return now, later, (f"Cleaning with {_list(now)}, as asked and advised.", *on_export)


def _in_order(steps: Iterable[str]) -> tuple[str, ...]:
    """Each once: our own in the order that suits them, then others as they come."""
    rank = {step: place for place, step in enumerate(CLEANING_ORDER)}
    return tuple(sorted(dict.fromkeys(steps), key=lambda step: rank.get(step, len(rank))))


def _check_cleaning_options(options: Mapping[str, Mapping[str, Any]], steps: tuple[str, ...]) -> None:
    unused = [name for name in options if name not in steps]
    if unused:
        raise InputError(
            f"options for {_list(tuple(unused))}, which will not be applied",
            reason="unused-options",
            hint=f"ask for it by name; applied will be: {_list(steps) or 'nothing'}",
        )
    for name, values in options.items():
        plugins.typed_options(plugins.get("speaksep.cleaners", name).info, values)


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
    spans = len(diagnosis.overlap_spans)
    places = "place" if spans == 1 else f"{spans} places"
    return f"{separator} separates the {places} where people overlap ({share})."


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
