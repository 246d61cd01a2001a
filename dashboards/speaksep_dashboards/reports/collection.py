"""The report of many recordings: how they are spread, which are worst, what failed and why, what it cost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from speaksep_dashboards.reports.pictures import Bars, Distribution, Points, listed
from speaksep_dashboards.reports.values import Part, Picture, Report, Section, Table, Words
from speaksep_kernel.diagnosis.finding import SEVERITIES

Row = Mapping[str, Any]
WORST = 15
MOST_ROWS = 500
"""Recordings that are listed one by one."""
DONE = "succeeded"
WAITING = ("queued", "running", "cancelling")
_DAY_S = 86400.0


def of_rows(
    title: str,
    rows: Iterable[Row],
    *,
    sections: Sequence[Section] = (),
    made_at: float | None = None,
) -> Report:
    """A report of many recordings.

    Parameters
    ----------
    title
        What they are together.
    rows
        One for each, with what is known of ``name``, ``state`` (of its job), ``sound_s``, ``speakers``,
        ``speech_ratio``, ``overlap_ratio``, ``confidence``, ``severity``, ``findings`` (codes), ``mos``, ``made_at``
        (seconds since 1970), ``reason`` and ``error`` (of what failed), ``seconds`` (of work), ``attempts`` and
        ``cached``.
    sections
        What else there is to say, at the end.
    made_at
        Seconds since 1970; now, if ``None``.
    """
    rows = list(rows)
    done = [row for row in rows if row.get("state", DONE) == DONE]
    bad = [row for row in rows if row.get("state", DONE) not in (DONE, *WAITING)]
    waiting = len(rows) - len(done) - len(bad)
    sound_s = sum(_numbers(rows, "sound_s"))
    told = [f"{len(rows)} recording{'' if len(rows) == 1 else 's'}", f"{_lasting(sound_s)} of sound"]
    told += [f"{waiting} not done yet"] if waiting else []
    worst = sum(row.get("severity") in ("warning", "error") for row in done)
    numbers = (
        (str(len(done)), "done"),
        (str(len(bad)), "failed" if bad else "failures"),
        (str(worst), "need attention"),
        *(
            [(_percent(sorted(overlaps)[len(overlaps) // 2]), "of the speech overlaps, median")]
            if (overlaps := _numbers(done, "overlap_ratio"))
            else []
        ),
    )
    if not rows:
        nothing = Section("Nothing here", (Words("There are no recordings in it."),))
        return Report(title, "No recordings", (), (nothing, *sections), time.time() if made_at is None else made_at)
    body = [_failures(bad), _found(done), _worst(done), _cost(done, rows), _all(rows), *sections]
    return Report(
        title,
        " · ".join(told),
        numbers,
        tuple(section for section in body if section.parts),
        time.time() if made_at is None else made_at,
    )


def _failures(bad: Sequence[Row]) -> Section:
    if not bad:
        return Section("What did not work", ())
    reasons = Counter(str(row.get("reason") or row.get("state")) for row in bad)
    example = {str(row.get("reason") or row.get("state")): str(row.get("error") or "") for row in reversed(bad)}
    counted = tuple((reason, str(count), example[reason]) for reason, count in reasons.most_common())
    each = tuple((_name(row), str(row.get("state")), str(row.get("error") or "")) for row in bad[:MOST_ROWS])
    return Section(
        "What did not work",
        (
            Table("By reason", ("reason", "how many", "for example"), counted),
            Table("One by one", ("recording", "state", "what was wrong"), each),
        ),
    )


def _found(done: Sequence[Row]) -> Section:
    pictures: list[Picture] = []
    for key, caption, unit, scale in (
        ("speakers", "How many people speak", "speakers", 1),
        ("overlap_ratio", "How much they talk over each other", "% of the speech", 100),
        ("mos", "How listeners would rate them", "MOS, 1 to 5", 1),
    ):
        values = tuple(scale * value for value in _numbers(done, key))
        if values:
            pictures.append(Distribution(caption + ".", _spread(values, unit), values, unit))
    pairs = [(row["overlap_ratio"], row["mos"]) for row in done if _both(row, "overlap_ratio", "mos")]
    if len(pairs) > 2:
        x, y = zip(*pairs, strict=True)
        alt = f"{len(pairs)} recordings, a point each; the values stand in the table of all recordings."
        units = ("% of the speech overlaps", "MOS")
        pictures.append(Points("Overlap and rating.", alt, tuple(100 * value for value in x), y, units))
    pictures += _trend(done)
    codes = Counter(code for row in done for code in row.get("findings") or ())
    if codes:
        names, counts = zip(*codes.most_common(12), strict=True)
        alt = "; ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
        counted = (("recordings", tuple(map(float, counts))),)
        pictures.append(Bars("What was found most often.", alt, names, counted, "recordings"))
    return Section("What was found", tuple(pictures))


def _trend(done: Sequence[Row]) -> list[Picture]:
    dated = [(row["made_at"], row["overlap_ratio"]) for row in done if _both(row, "made_at", "overlap_ratio")]
    if len(dated) < 3 or max(dated)[0] - min(dated)[0] < _DAY_S:
        return []
    x, y = zip(*dated, strict=True)
    alt = f"{len(dated)} recordings by the day on which they were separated."
    return [Points("Overlap over time.", alt, x, tuple(100 * value for value in y), ("", "% of the speech"), days=True)]


def _worst(done: Sequence[Row]) -> Section:
    ranked = sorted(done, key=_badness, reverse=True)
    rows = tuple(
        (_name(row), str(row["severity"]), listed(list(row.get("findings") or ())), _percent(row.get("overlap_ratio")))
        for row in ranked[:WORST]
        if row.get("severity") in ("warning", "error")
    )
    if not rows:
        return Section("Worst cases", ())
    return Section("Worst cases", (Table("Most urgent first", ("recording", "severity", "findings", "overlap"), rows),))


def _badness(row: Row) -> tuple[int, int, float]:
    severity = row.get("severity")
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else 0
    return rank, len(row.get("findings") or ()), row.get("overlap_ratio") or 0.0


def _cost(done: Sequence[Row], rows: Sequence[Row]) -> Section:
    fresh = [row for row in done if not row.get("cached")]
    work_s = sum(_numbers(fresh, "seconds"))
    if not work_s:
        return Section("What it cost", ())
    sound_s = sum(_numbers([row for row in fresh if _both(row, "seconds", "sound_s")], "sound_s"))
    again = sum(max(0, int(attempts) - 1) for attempts in _numbers(rows, "attempts"))
    table = [
        ("work", f"{work_s / 3600:.2f} hours in {len(fresh)} jobs"),
        ("taken from earlier results", str(len(done) - len(fresh))),
        ("further attempts", str(again)),
    ]
    table += [("work per second of sound", f"{work_s / sound_s:.2f} s")] if sound_s else []
    parts: list[Part] = [Table("Of the jobs that succeeded", ("what", "how much"), tuple(table))]
    values = tuple(_numbers(fresh, "seconds"))
    if len(values) > 2:
        parts.append(Distribution("Seconds of work per job.", _spread(values, "s"), values, "seconds"))
    return Section("What it cost", tuple(parts))


def _all(rows: Sequence[Row]) -> Section:
    table = tuple(
        (
            _name(row),
            str(row.get("state", DONE)),
            _figure(row.get("sound_s"), " s"),
            _figure(row.get("speakers")),
            _percent(row.get("speech_ratio")),
            _percent(row.get("overlap_ratio")),
            _figure(row.get("mos")),
            str(row.get("severity") or "–"),
        )
        for row in rows[:MOST_ROWS]
    )
    more = f"the first {MOST_ROWS} of {len(rows)}" if len(rows) > MOST_ROWS else "one by one"
    columns = ("recording", "state", "length", "speakers", "speech", "overlap", "MOS", "severity")
    return Section("All recordings", (Table(f"Recordings, {more}", columns, table),))


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("job") or "?")


def _numbers(rows: Iterable[Row], key: str) -> list[float]:
    return [row[key] for row in rows if _is_number(row.get(key))]


def _both(row: Row, *keys: str) -> bool:
    return all(_is_number(row.get(key)) for key in keys)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(ratio: Any) -> str:
    return f"{ratio:.0%}" if _is_number(ratio) else "–"


def _figure(value: Any, unit: str = "") -> str:
    return f"{value:.4g}{unit}" if _is_number(value) else "–"


def _lasting(seconds: float) -> str:
    minutes = round(seconds / 60)
    return (
        f"{minutes // 60} h {minutes % 60} min"
        if minutes >= 60
        else f"{minutes} min"
        if minutes
        else f"{seconds:.0f} s"
    )


def _spread(values: Sequence[float], unit: str) -> str:
    ranked = sorted(values)
    middle = ranked[len(ranked) // 2]
    return f"{len(values)} values from {ranked[0]:.3g} to {ranked[-1]:.3g}, median {middle:.3g} ({unit})."
