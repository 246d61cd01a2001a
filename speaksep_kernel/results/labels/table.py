"""Tables of turns and overlaps, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import bad_labels, read_text

COLUMNS = ("start_s", "end_s", "speaker", "name", "confidence", "overlapped")


class Csv:
    """One row per turn; of a file read back, `start_s`, `end_s` and `name` (else `speaker`) count."""

    info = PluginInfo("csv", "1", "CSV, one row per turn", "Apache-2.0")
    suffix, reads = ".csv", (".csv",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        _write(path, COLUMNS, rows(handover))

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`."""
        table = csv.DictReader(io.StringIO(read_text(path), newline=""))
        hint = f"needed are columns start_s, end_s and name or speaker, as in: {','.join(COLUMNS)}"
        spans: list[Span] = []
        try:
            columns = table.fieldnames or ()
            label = "name" if "name" in columns else "speaker"
            if not {"start_s", "end_s", label} <= set(columns):
                raise bad_labels(path, "columns", ",".join(columns), hint)
            spans.extend((float(row["start_s"]), float(row["end_s"]), str(row[label] or "")) for row in table)
        except (TypeError, ValueError, csv.Error) as error:
            raise bad_labels(path, f"line {table.line_num}", error, hint) from None
        return tuple(spans)


class Overlaps:
    """One row per stretch in which the same people talk at once, joined by " + "."""

    info = PluginInfo("overlaps", "1", "CSV of who talks at once with whom", "Apache-2.0")
    suffix = ".overlaps.csv"

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        found = ((o.start_s, o.end_s, len(o.speakers), handover.together(o)) for o in handover.overlaps)
        _write(path, ("start_s", "end_s", "speakers", "names"), found)


class Parquet:
    """The columns of the CSV file, with their types."""

    info = PluginInfo("parquet", "1", "Parquet, one row per turn", "Apache-2.0", requires=("fastparquet", "pandas"))
    suffix = ".parquet"

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        import fastparquet
        import pandas as pd

        types = {"start_s": "float64", "end_s": "float64", "speaker": "int32", "name": "str"}
        types |= {"confidence": "float64", "overlapped": "bool"}
        frame = pd.DataFrame(list(rows(handover)), columns=list(COLUMNS)).astype(types)
        fastparquet.write(str(path), frame, object_encoding="utf8", write_index=False)


def rows(handover: Handover) -> Iterable[tuple[float, float, int, str, float, bool]]:
    """Turns as rows of `COLUMNS`."""
    for turn in handover.turns:
        name = handover.names[turn.speaker]
        yield turn.start_s, turn.end_s, turn.speaker, name, turn.confidence, turn.overlapped


def _write(path: Path, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(values)
