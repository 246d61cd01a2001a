"""The plan of a separation, made here for a worker elsewhere: which device that will have is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.books import book_of
from speaksep_hub.service.work.options import SeparationOptions
from speaksep_kernel.diagnosis.cost import predict_seconds
from speaksep_kernel.diagnosis.plan import Plan, make_plan
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.voices.book import read_book

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_ON_THE_CPU = "On the CPU, as asked."
_WHERE = {
    "auto": "On a GPU if the worker that takes it has a free one, else on its CPU; the time is that of the CPU.",
    "cpu": _ON_THE_CPU,
    "cuda": "On a GPU, as asked: it waits for a worker that has one.",
}


def planned(found: Mapping[str, Any], options: SeparationOptions) -> Plan:
    """What would be done with a recording.

    Parameters
    ----------
    found
        Its diagnosis, JSON-able.
    options
        What is not left to the diagnosis.

    Raises
    ------
    InputError
        As `make_plan`.
    """
    diagnosis = Diagnosis.from_dict(found)
    # As for the CPU: looking for a GPU would load torch here, and say nothing of the worker's.
    plan = make_plan(diagnosis, device="cpu", **options.choices())
    reasons = tuple(_WHERE[options.device] if reason == _ON_THE_CPU else reason for reason in plan.reasons)
    if options.device != "cuda":
        return replace(plan, reasons=reasons)
    network = plan.predicted_seconds != predict_seconds(diagnosis, hop_s=plan.hop_s, device="cpu", network=False)
    seconds = predict_seconds(diagnosis, hop_s=plan.hop_s, device="cuda", network=network)
    said = f"This should take about {max(1, round(seconds))} s there."
    return replace(plan, device="cuda", predicted_seconds=seconds, reasons=(*reasons[:-1], said))


def check_known(platform: Platform, owner: str, options: SeparationOptions) -> None:
    """Refuse names that are not in somebody's own voice book.

    Raises
    ------
    NotFound
        Reason ``unknown-voice``.
    """
    if not options.known:
        return
    enrolled = {voice.name for voice in read_book(book_of(platform, owner))}
    missing = [name for name in options.known if name not in enrolled]
    if missing:
        raise NotFound(
            f"no voice {missing[0]!r} is enrolled",
            reason="unknown-voice",
            hint=f"there are: {', '.join(sorted(enrolled)) or 'none'}; POST /api/v1/voices enrols one",
        )
