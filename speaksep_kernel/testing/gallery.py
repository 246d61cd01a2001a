"""The gallery: every installed plugin, and how well, how fast and in how much memory each separator separates.

Mixtures are those that `speaksep_kernel.testing.conversation` makes of the package's own five voices: the same on every
machine. They are few and short, so the figures tell a working network from another, not a good one from a better.
"""

from __future__ import annotations

import html
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from speaksep_kernel import plugins
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.testing.conversation import Conversation, conversation

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETS: Mapping[str, Mapping[str, Any]] = {
    "two at once": {"seconds": 8, "speakers": 2, "overlap": 1.0},
    "three at once": {"seconds": 8, "speakers": 3, "overlap": 1.0},
    "two in conversation": {"seconds": 16, "speakers": 2, "overlap": 0.3},
}
SEEDS = (1, 2)
"""Mixtures of a set, one per seed."""
HEAD = ("separator", "version", "package", *(f"{name}, dB" for name in SETS), "real-time factor", "peak memory, MB")


@dataclass(frozen=True)
class Measured:
    """What came out for one separator.

    Attributes
    ----------
    gains_db
        Mean SI-SDR improvement per set of `SETS`, tracks in the best order; NaN for more people than it tells apart.
    real_time_factor
        Seconds of computing per second of sound, on this machine's CPU, after a first call.
    peak_bytes
        Most memory its process had in use at once, libraries included.
    why
        Why there are no figures; empty if there are.
    """

    gains_db: tuple[float, ...] = (float("nan"),) * len(SETS)
    real_time_factor: float = float("nan")
    peak_bytes: int = 0
    why: str = ""


def measure(name: str) -> Measured:
    """Measure one installed separator on the CPU, in a process of its own within the bounds of docs/plugins.md.

    Parameters
    ----------
    name
        Of the separator.

    Raises
    ------
    InputError, PluginError
        There is no such separator. Whatever it does wrong while it is measured is `Measured.why` instead.
    """
    from speaksep_kernel.containment import Bounds, contained, peak_bytes

    cls = plugins.get("separator", name)
    most = cls.info.max_speakers or len(SETS)
    try:
        made = contained("separator", cls, Bounds.of())(device="cpu")
        made.separate(*_given(cls.info, conversation(seconds=2, speakers=1, overlap=0, seed=1).audio))
        spent_s = heard_s = 0.0
        gains: list[float] = []
        for wanted in SETS.values():
            each = []
            for talk in _mixtures(**wanted) if wanted["speakers"] <= most else ():
                windows, rate_hz = _given(cls.info, talk.audio)
                began = time.perf_counter()
                (local,) = made.separate(windows, rate_hz)
                spent_s += time.perf_counter() - began
                heard_s += len(talk.audio) / talk.rate_hz
                each.append(_gain_db(np.asarray(local.tracks, np.float32), rate_hz, talk))
            gains.append(float(np.mean(each)) if each else float("nan"))
        return Measured(tuple(gains), spent_s / max(heard_s, 1e-9), peak_bytes(made))
    except SpeakSepError as fault:
        return Measured(why=fault.error)
    except Exception as fault:  # what it returns may be anything
        return Measured(why=f"{type(fault).__name__}: {fault}")


@cache
def _mixtures(seconds: float, speakers: int, overlap: float) -> tuple[Conversation, ...]:
    return tuple(conversation(seconds=seconds, speakers=speakers, overlap=overlap, seed=seed) for seed in SEEDS)


def _given(info: plugins.PluginInfo, audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """One window at a rate that the separator takes."""
    import soxr

    rates = info.sample_rates_hz
    rate_hz = 16000 if not rates or 16000 in rates else rates[0]
    return np.asarray(soxr.resample(audio, 16000, rate_hz), np.float32)[None], rate_hz


def _gain_db(tracks: NDArray[np.float32], rate_hz: int, talk: Conversation) -> float:
    import soxr

    from speaksep_kernel.training.measures import best_order, improvements_db

    back = [np.asarray(soxr.resample(track, rate_hz, talk.rate_hz), np.float32) for track in tracks]
    size = min(len(talk.audio), *map(len, back))
    gains = improvements_db(np.stack([track[:size] for track in back]), talk.references[:, :size], talk.audio[:size])
    order = best_order(gains)
    return float(gains[order, range(len(order))].mean())


def measure_all() -> dict[str, Measured]:
    """Every installed separator that can be used, by name."""
    found = plugins.available("speaksep.separators").items()
    return {name: measure(name) for name, each in found if isinstance(each, plugins.Loaded) and not each.missing}


def figures(measured: Mapping[str, Measured]) -> list[tuple[str, ...]]:
    """Rows below `HEAD`."""
    rows = []
    for row in plugins.describe("separator"):
        if (found := measured.get(row["name"])) is None:
            continue
        cells = [f"{gain:.1f}" if np.isfinite(gain) else "" for gain in found.gains_db]
        cost = (f"{found.real_time_factor:.2g}", f"{found.peak_bytes / 1e6:.0f}") if not found.why else ("", found.why)
        rows.append((row["name"], row["version"], row["package"], *cells, *cost))
    return rows


def markdown(measured: Mapping[str, Measured]) -> str:
    """The figures as a table."""
    lines = [HEAD, ("---",) * len(HEAD), *figures(measured)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def page(measured: Mapping[str, Measured]) -> str:
    """One self-contained HTML page: no script, nothing from elsewhere."""
    about = (
        "<p>SI-SDR improvement (more is better), computing time per second of sound (less than 1 keeps up with it), "
        f"memory of its process. {len(SEEDS)} short mixtures a set of five shipped voices, "
        f"{html.escape(platform.processor() or platform.machine())}, CPU: enough to tell what works, not what is best."
        "</p>"
    )
    sections = ["<h2>Separators, measured</h2>", about, _table(HEAD, figures(measured), numbers=slice(3, None))]
    head = ("name", "version", "package", "what it does", "licence", "options", "state")
    for group in plugins.GROUPS:
        rows = [
            (
                row["name"],
                row.get("version", ""),
                row["package"],
                row.get("summary", ""),
                row.get("licence", ""),
                ", ".join(row.get("options", {})),
                row["why"] or row["status"],
            )
            for row in plugins.describe(group)
        ]
        sections += [f"<h2>{group.removeprefix('speaksep.').capitalize()}</h2>", _table(head, rows)]
    return _PAGE.format(body="\n".join(sections))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], numbers: slice | None = None) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        marked = list(cells)
        right = set(range(len(marked))[numbers]) if numbers else set()
        return "".join(
            f"<{tag}{' class=number' * (place in right)}>{html.escape(cell)}</{tag}>"
            for place, cell in enumerate(marked)
        )

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        f"<div tabindex=0 role=region aria-label='a table'><table><thead><tr>{line(head, 'th')}</tr></thead>"
        f"\n<tbody>{body}</tbody></table></div>"
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>SpeakSep plugins</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }}
th {{ font-weight: 600; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
<main>
<h1>SpeakSep plugins</h1>
{body}
</main>
</html>
"""  # noqa: E501
