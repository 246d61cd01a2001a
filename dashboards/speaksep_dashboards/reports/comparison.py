"""The report of two separations of one recording, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from speaksep_dashboards.compare.matching import Difference, Pair, differences, excerpts, matched
from speaksep_dashboards.compare.scores import scores
from speaksep_dashboards.reports.excerpts import clock, opus
from speaksep_dashboards.reports.recording import lanes_picture
from speaksep_dashboards.reports.sources import Source, opened
from speaksep_dashboards.reports.values import Excerpt, Part, Report, Section, Table, Words
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.results.measures import measures_of
from speaksep_kernel.results.values import Separation, Track
from speaksep_kernel.results.write import MIXTURE
from speaksep_widgets.lanes import Lanes

SIDES = ("A", "B")
MOST_DIFFERENCES = 30
MOST_EXCERPTS = 4
_MEASURES = (
    ("speakers", "speakers", 1, ""),
    ("overlap_ratio", "overlap", 100, " % of the speech"),
    ("confidence", "confidence, of the least certain track", 100, " %"),
    ("warnings", "findings that want something done", 1, ""),
)


def report_of_two(
    sources: Sequence[Source], *, sound: bool = True, title: str = "", made_at: float | None = None
) -> Report:
    """Compare two results on disk.

    Raises
    ------
    InputError
        Reasons ``not-two`` and ``other-recording``, and those of reading them.
    """
    if len(sources) != 2:
        raise InputError(f"{len(sources)} results to compare", reason="not-two", hint="give two separations")
    pair = [opened(source) for source in sources]
    if not all(isinstance(each, Separation) for each in pair):
        raise InputError("a diagnosis has no tracks to compare", reason="not-two", hint="give two separations")
    a, b = (each for each in pair if isinstance(each, Separation))
    return of_two(a, b, sound=sound, title=title, made_at=made_at)


def of_two(
    a: Separation, b: Separation, *, sound: bool = True, title: str = "", made_at: float | None = None
) -> Report:
    """Compare two separations; parameters as of `speaksep_dashboards.reports.recording.of_separation`.

    Raises
    ------
    InputError
        Reason ``other-recording``.
    """
    sources = a.manifest.input, b.manifest.input
    if sources[0].sha256 != sources[1].sha256:
        raise InputError(
            f"{sources[0].name} and {sources[1].name} are different recordings",
            reason="other-recording",
            hint="compare two separations of one recording",
        )
    pairs = matched(a.turns, b.turns)
    spoken_s, apart = differences(a.turns, b.turns, pairs)
    apart_s = sum(each.seconds for each in apart)
    sections = (
        Section("What differs", (_measures(a, b), *_speakers(a, b, pairs), _apart(a, b, apart))),
        Section("Who spoke when", (*_side("A", a), *_side("B", b))),
        *(_listen(a, b, pairs) if sound else ()),
        Section("Provenance", (_provenance(a, b),)),
    )
    lead = f"A: {_name(a)} · B: {_name(b)} · {clock(sources[0].seconds)}"
    numbers = [(str(len(each.tracks)), f"speakers by {side}") for side, each in zip(SIDES, (a, b), strict=True)]
    numbers += [(f"{apart_s / spoken_s:.1%}", "of the speech has other speakers")] if spoken_s else []
    return Report(
        title or f"{sources[0].name}: two separations",
        lead,
        tuple(numbers),
        sections,
        time.time() if made_at is None else made_at,
    )


def _name(separation: Separation) -> str:
    model, parameters = separation.manifest.model, separation.manifest.parameters
    steps = separation.manifest.cleaning.steps if separation.manifest.cleaning else ()
    cleaned = f", cleaned with {', '.join(step.name for step in steps)}" if steps else ""
    quality = parameters.get("quality")
    return f"{model.separator} {model.version}" + (f" ({quality})" if quality else "") + cleaned


def _measures(a: Separation, b: Separation) -> Table:
    sides = [measures_of(each.to_dict()) for each in (a, b)]
    rows: list[tuple[str, ...]] = [("made by", _name(a), _name(b))]
    for key, caption, scale, unit in _MEASURES:
        told = [f"{scale * side[key]:.4g}{unit}" if side[key] is not None else "–" for side in sides]
        rows.append((caption, *told))
    rows.append(("turns", str(len(a.turns)), str(len(b.turns))))
    work = [f"{sum(each.manifest.timings.values()):.1f} s" for each in (a, b)]
    return Table("The two, side by side", ("measure", *SIDES), (*rows, ("seconds of work", *work)))


def _speakers(a: Separation, b: Separation, pairs: Sequence[Pair]) -> tuple[Part, ...]:
    """Speakers side by side, and how far their tracks are apart."""
    tracks = [{track.speaker: track for track in each.tracks} for each in (a, b)]
    try:
        scored = scores(a, b, pairs)
    except (SpeakSepError, OSError) as error:
        return (Words(f"The sound cannot be read: {error}", "warning", "no scores"),)
    rows: list[tuple[str, ...]] = []
    for (one, other), between_db in zip(pairs, scored["between_db"], strict=True):
        sides = [side.get(number or 0) for side, number in zip(tracks, (one, other), strict=True)]
        rated = [
            scored["mos"][side].get(track.label) if track else None for side, track in zip("ab", sides, strict=True)
        ]
        told = ["–" if mos is None else f"{mos:.2f}" for mos in rated]
        alike = "–" if between_db is None else f"{between_db:.1f} dB"
        rows.append((_called(sides[0] or sides[1]), _spoken(sides[0]), _spoken(sides[1]), alike, *told))
    columns = ("speaker", *SIDES, "SI-SDR between the two", "MOS of A", "MOS of B")
    return (Table("Speakers, matched by when they speak", columns, tuple(rows)),) if rows else ()


def _apart(a: Separation, b: Separation, apart: Sequence[Difference]) -> Part:
    if not apart:
        return Words("Both say that the same people speak at the same times.")
    names = {track.speaker: _called(track) for track in a.tracks}
    names |= {-track.speaker: f"{_called(track)} of B" for track in b.tracks}
    longest = sorted(apart, key=lambda each: -each.seconds)[:MOST_DIFFERENCES]
    rows = tuple(
        (clock(each.start_s), clock(each.end_s), *(_names(names, side) for side in (each.a, each.b)))
        for each in sorted(longest, key=lambda each: each.start_s)
    )
    more = f", the longest {MOST_DIFFERENCES} of {len(apart)}" if len(apart) > MOST_DIFFERENCES else ""
    return Table(f"Where they disagree about who speaks{more}", ("from", "to", *SIDES), rows)


def _names(names: Mapping[int, str], speakers: Sequence[int]) -> str:
    return ", ".join(names.get(speaker, "?") for speaker in speakers) or "nobody"


def _called(track: Track | None) -> str:
    return "–" if track is None else track.name or track.label


def _spoken(track: Track | None) -> str:
    return "nobody" if track is None else f"{track.label}: {track.seconds:.1f} s, {track.confidence:.0%} sure"


def _side(side: str, separation: Separation) -> tuple[Part, ...]:
    return lanes_picture(separation, f"{side}: {_name(separation)}.")


def _listen(a: Separation, b: Separation, pairs: Sequence[Pair]) -> tuple[Section, ...]:
    parts: list[Part] = []
    try:
        sides = Lanes(a), Lanes(b)
        names = {track.speaker: _called(track) for track in a.tracks}
        chosen = excerpts(a.turns, b.turns, pairs, sides[0].seconds)
        for each in sorted(chosen[:MOST_EXCERPTS], key=lambda each: each.start_s):
            where, when = (each.start_s, each.end_s), f"{clock(each.start_s)}–{clock(each.end_s)}"
            mixture = Excerpt(f"The recording, {when}", opus(sides[0], MIXTURE, *where))
            parts += [mixture] if mixture not in parts else []
            for side, lanes, speaker in zip(SIDES, sides, (each.a, each.b), strict=True):
                sound = opus(lanes, f"speaker_{speaker}", *where)
                parts.append(Excerpt(f"{names[each.a]} by {side}, {when}", sound))
    except (SpeakSepError, OSError) as error:
        parts.append(Words(f"The sound cannot be read: {error}", "warning", "no sound"))
    return (Section("Listen", (Words("The same seconds, by both."), *parts)),) if parts else ()


def _provenance(a: Separation, b: Separation) -> Table:
    manifests = a.manifest, b.manifest
    rows: list[tuple[str, ...]] = [("recording, start of its SHA-256", *(each.input.sha256[:16] for each in manifests))]
    rows.append(("model, start of its SHA-256", *((each.model.sha256 or "–")[:16] for each in manifests)))
    names = dict.fromkeys(name for each in manifests for name in each.versions)
    rows += [(name, *(each.versions.get(name, "–") for each in manifests)) for name in names]
    return Table("How they were made", ("what", *SIDES), tuple(rows))
