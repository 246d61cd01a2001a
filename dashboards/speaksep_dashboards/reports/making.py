"""The one function: a report of whatever is given."""

from __future__ import annotations

from pathlib import Path

from speaksep_dashboards.reports.sources import Source, report_of, report_of_many
from speaksep_dashboards.reports.values import Report, check_ending
from speaksep_kernel.errors import InputError


def report(
    *sources: Source,
    to: str | Path | None = None,
    compare: bool = False,
    sound: bool = True,
    title: str = "",
    made_at: float | None = None,
) -> Report:
    """Make a report.

    Parameters
    ----------
    sources
        A separation or its directory, a diagnosis or its JSON file, or the folder of a batch; several are a collection.
    to
        Where to write it: a name that ends in .html or .pdf.
    compare
        Two separations of one recording are compared.
    sound
        With short excerpts to listen to (HTML only).
    title
        What it is called; the recording's name, if left out.
    made_at
        When it was made, in seconds since 1970; now, if ``None``.

    Raises
    ------
    InputError
        Nothing is given, or something that is no result; ``to`` ends in something else.
    StoreError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from speaksep_kernel.testing import conversation, known_separation
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     separation = known_separation(conversation(5), Path(folder) / "out")
    ...     made = report(separation, to=Path(folder) / "talk.html")
    ...     size = (Path(folder) / "talk.html").stat().st_size
    >>> made.title, size > 10_000
    ('talk.wav', True)
    """
    if to is not None:
        check_ending(Path(to))
    if not sources:
        raise InputError("a report of nothing", reason="no-result", hint="give a result, or the folder of a batch")
    if compare:
        from speaksep_dashboards.reports.comparison import report_of_two

        made = report_of_two(sources, sound=sound, title=title, made_at=made_at)
    elif len(sources) == 1:
        made = report_of(sources[0], sound=sound, title=title, made_at=made_at)
    else:
        made = report_of_many(sources, sound=sound, title=title, made_at=made_at)
    if to is not None:
        made.save(to)
    return made
