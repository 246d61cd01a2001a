"""The scoreboard: fixed validation mixtures, one table of quality and one of cost.

``python -m speaksep_kernel.training.score`` mixes the five voices of `speaksep_kernel.testing`; ``--corpus`` takes the
validation speakers of a corpus instead.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.testing import voices
from speaksep_kernel.training.contenders import CONTENDERS, CONV_TASNET, VOICEFILTER, Contender, available
from speaksep_kernel.training.corpus import Corpus, from_voices, read_shards, read_speaker_folders
from speaksep_kernel.training.cost import cost
from speaksep_kernel.training.measures import (
    activity_of,
    attenuation_db,
    best_order,
    improvements_db,
    pitch_hz,
    sa_sdr_db,
)
from speaksep_kernel.training.rooms import simulate_rooms
from speaksep_kernel.training.validation import (
    Float32,
    Item,
    fully_overlapped,
    nobody,
    sparse_conversation,
    telephone,
)
from speaksep_kernel.voices.streams import RATE_HZ

SAME_SEX_HZ = 175.0
"""Median pitch that parts men from women; corpora do not say. Children count as women."""
ENROLMENT_S = 5.0


@dataclass(frozen=True)
class Score:
    """Measures of one mixture, means over its speakers; NaN where a measure says nothing.

    Attributes
    ----------
    si_sdri_db, sa_sdr_db, pesq, stoi, dnsmos
        SI-SDR improvement; source-aggregated SDR; PESQ (wide band); STOI; DNSMOS (overall) of the tracks.
    silent_db
        How far the loudest of the tracks that belong to nobody lies below the mixture.
    activity
        Share of frames in which the network's activity is right.
    """

    si_sdri_db: float
    sa_sdr_db: float
    pesq: float
    stoi: float
    dnsmos: float
    silent_db: float
    activity: float


def score_sets(corpus: Corpus, items: int) -> dict[str, list[Item]]:
    """Make the scoreboard's sets, ``items`` mixtures each, the same on every machine."""
    noisy = (5.0, 15.0)
    two = fully_overlapped(corpus, items, 2, seed=21)
    sets = {
        "2 speakers": two,
        "3 speakers": fully_overlapped(corpus, items, 3, seed=22),
        "2, noise 5-15 dB": fully_overlapped(corpus, items, 2, seed=23, snr_db=noisy),
        "2, sparse conversation": sparse_conversation(corpus, items, seed=25),
        "2, telephone band": telephone(two),
        "2 of the same sex": fully_overlapped(corpus, items, 2, seed=26, choose=_same_sex(corpus)),
        "1 speaker": fully_overlapped(corpus, items, 1, seed=27),
        "nobody, -60 dBFS noise": nobody(items, seed=28),
    }
    if find_spec("pyroomacoustics"):
        rooms = simulate_rooms(items, seed=999)
        sets["2, noise and room"] = fully_overlapped(corpus, items, 2, seed=24, snr_db=noisy, rooms=rooms)
    return sets


def _same_sex(corpus: Corpus) -> Callable[[np.random.Generator], list[int]]:
    """Draw pairs from one side of `SAME_SEX_HZ`."""
    long_enough = np.flatnonzero(corpus.length >= 6 * RATE_HZ)
    pitch = np.array([pitch_hz(corpus.speech(int(who))[: 20 * RATE_HZ], RATE_HZ) for who in long_enough])
    sides = [side for side in (long_enough[pitch < SAME_SEX_HZ], long_enough[pitch >= SAME_SEX_HZ]) if len(side) > 1]
    if not sides:
        raise InputError("no two speakers of the same sex", reason="too-few-speakers", hint="add speakers")

    def choose(rng: np.random.Generator) -> list[int]:
        return [int(who) for who in rng.choice(sides[rng.integers(len(sides))], 2, replace=False)]

    return choose


def score(item: Item, result: LocalTracks) -> Score:
    """Measure one result, its tracks in the best order."""
    gains_db = improvements_db(result.tracks, item.references, item.mixture)
    order = best_order(gains_db)
    matched = result.tracks[order]
    silent = np.delete(result.tracks, order, axis=0)
    alone = len(order) < 2
    return Score(
        # One clean voice is its own mixture: nothing to improve.
        si_sdri_db=float("nan") if alone else float(gains_db[order, range(len(order))].mean()),
        sa_sdr_db=sa_sdr_db(matched, item.references) if order else float("nan"),
        pesq=_mean(_pesq, matched, item.references),
        stoi=_mean(_stoi, matched, item.references),
        dnsmos=_mean(_dnsmos, matched, item.references),
        silent_db=min((attenuation_db(track, item.mixture) for track in silent), default=float("nan")),
        activity=_activity(result, order, item),
    )


def _activity(result: LocalTracks, order: list[int], item: Item) -> float:
    if result.activity is None:
        return float("nan")
    wanted = np.zeros_like(result.activity, bool)
    if order:
        wanted[order] = activity_of(item.references, wanted.shape[-1])
    return float(np.mean((result.activity > 0.5) == wanted))


def _mean(measure: Callable[[Float32, Float32], float], tracks: Float32, references: Float32) -> float:
    values = [measure(track, reference) for track, reference in zip(tracks, references, strict=True)]
    return float(np.mean(values)) if values else float("nan")


def _pesq(track: Float32, reference: Float32) -> float:
    from pesq import PesqError, pesq

    value = float(pesq(RATE_HZ, reference, track, "wb", on_error=PesqError.RETURN_VALUES))
    return value if value > 0 else float("nan")


def _stoi(track: Float32, reference: Float32) -> float:
    from pystoi import stoi

    return float(stoi(reference, track, RATE_HZ))


def _dnsmos(track: Float32, reference: Float32) -> float:
    from speechmos import dnsmos

    return float(dnsmos.run(np.clip(track, -1, 1), sr=RATE_HZ)["ovrl_mos"])


def quality_row(scores: Sequence[Score]) -> dict[str, float]:
    """Summarise the scores of one set."""
    values = {name: np.array([getattr(one, name) for one in scores]) for name in Score.__dataclass_fields__}
    gains = values["si_sdri_db"]
    known = ~np.isnan(gains)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a measure that says nothing of this set is NaN throughout
        return {
            "SI-SDRi": float(np.mean(gains)),
            "median": float(np.median(gains)),
            "worst decile": float(np.quantile(gains, 0.1)),
            "below 0 dB, %": float(100 * np.mean(gains < 0)) if known.any() else float("nan"),
            "SA-SDR": float(np.mean(values["sa_sdr_db"])),
            "PESQ": float(np.nanmean(values["pesq"])),
            "STOI": float(np.nanmean(values["stoi"])),
            "DNSMOS": float(np.mean(values["dnsmos"])),
            "silent, dB": float(np.mean(values["silent_db"])),
            "activity, %": float(100 * np.mean(values["activity"])),
        }


def table(rows: dict[tuple[str, str], dict[str, float]], heads: tuple[str, str]) -> str:
    """A Markdown table; NaN is left blank."""
    columns = list(next(iter(rows.values())))
    lines = ["| " + " | ".join([*heads, *columns]) + " |", "|---|---|" + "---:|" * len(columns)]
    for names, row in rows.items():
        cells = ["" if np.isnan(value) else f"{value:.2f}" for value in row.values()]
        lines.append("| " + " | ".join([*names, *cells]) + " |")
    return "\n".join(lines)


def run(corpus: Corpus, items: int) -> dict[tuple[str, str], dict[str, float]]:
    """Score every contender that separates on every set: rows by set and contender."""
    names = [name for name in available() if name != CONV_TASNET]
    contenders: dict[str, Contender] = {name: CONTENDERS[name]() for name in names}
    enrolment = {who: corpus.speech(index)[: round(ENROLMENT_S * RATE_HZ)] for index, who in enumerate(corpus.speakers)}
    rows = {}
    for set_name, mixtures in score_sets(corpus, items).items():
        for name, contender in contenders.items():
            if name == VOICEFILTER and not mixtures[0].speakers:
                continue  # nobody to filter out
            scores = []
            for item in mixtures:
                enrolled = [enrolment[who] for who in item.speakers]
                scores.append(score(item, contender.separate(item.mixture[None], enrolled)[0]))
            rows[set_name, name] = quality_row(scores)
    return rows


def costs() -> dict[tuple[str, str], dict[str, float]]:
    """Time every contender on one core and on two, where there are two."""
    rows = {}
    for name in available():
        for cores in range(1, min(2, os.cpu_count() or 1) + 1):
            measured = cost(name, cores)
            row = {
                "RTF": measured.rtf,
                "RTF by CPU time": measured.cpu_rtf,
                "peak memory, MB": measured.peak_bytes / 1e6,
            }
            rows[name, "1 core" if cores == 1 else f"{cores} cores"] = row
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m speaksep_kernel.training.score", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="corpus folder; its validation speakers are mixed")
    parser.add_argument("--items", type=int, default=10, help="mixtures per set")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args(arguments)
    try:
        _check_packages()
        if options.corpus is None:
            corpus = from_voices(voices())
        elif (options.corpus / "manifest.csv").is_file():
            corpus = read_shards(options.corpus, "valid")
        else:
            corpus = read_speaker_folders(options.corpus)
        quality = run(corpus, options.items)
        print(table(quality, ("set", "separator")))
        print(f"\n{options.items} mixtures per set of {len(corpus.speakers)} speakers.", end=" ")
        print(f"Sex is estimated: median pitch below or above {SAME_SEX_HZ:g} Hz.")
        print(f"{VOICEFILTER} is told who speaks, by {ENROLMENT_S:g} s of each voice; it is timed for one of them.")
        for name in set(CONTENDERS) - set(available()):
            print(f"{name} is not installed: left out.")
        if not find_spec("pyroomacoustics"):
            print("pyroomacoustics is not installed: no mixtures in rooms.")
        print()
        spent = costs()
        print(table(spent, ("separator", "on")))
        if options.json:
            kept = [{"names": names, **row} for names, row in (quality | spent).items()]
            options.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    except SpeakSepError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _check_packages() -> None:
    missing = [name for name in ("librosa", "pesq", "pystoi", "speechmos", "onnxruntime") if not find_spec(name)]
    if missing:
        raise InputError(
            f"the scoreboard needs {', '.join(missing)}, not installed",
            reason="missing-package",
            hint="pip install 'speaksep[bench]'",
        )


if __name__ == "__main__":
    sys.exit(main())
