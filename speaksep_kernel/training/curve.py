"""The learning curve: a line of CSV per validation, and its picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

COUNTERS = ("step", "minutes", "mixture_hours", "train_snr_db")
"""Columns before those of the validation sets."""


def append(path: Path, counters: tuple[int, float, float, float], scores: Mapping[str, float]) -> None:
    """Add a line: the values of `COUNTERS`, then dB per validation set."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow([*COUNTERS, *scores])
        step, *others = counters
        writer.writerow([step, *(f"{value:.2f}" for value in (*others, *scores.values()))])


def draw(path: Path, picture: Path) -> None:
    """Draw the SI-SDR improvement of each validation set over the hours of mixtures seen."""
    from matplotlib.figure import Figure

    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    hours = [float(row["mixture_hours"]) for row in rows]
    for name in [name for name in rows[0] if name not in COUNTERS]:
        axes.plot(hours, [float(row[name]) for row in rows], marker=".", label=name)
    axes.set(xlabel="hours of mixtures seen", ylabel="SI-SDR improvement in dB")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(picture, dpi=120)
