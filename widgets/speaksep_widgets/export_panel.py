"""Files for other tools out of a separation: pick what, pick where, write."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from speaksep_kernel import plugins
from speaksep_kernel.pipeline import export
from speaksep_kernel.results.values import Separation
from speaksep_widgets.last_picture import LeavesPicture
from speaksep_widgets.work import Work

GROUPS = {"Labels and packages": "speaksep.formats", "Tracks as": "speaksep.exporters"}


class ExportPanel(LeavesPicture, ipywidgets.VBox):
    """What `speaksep_kernel.export` does, as a form.

    Parameters
    ----------
    separation
        The separation, its directory, or a call that gives it when it is exported (with the latest corrections).
    directory
        Where to; beside the separation if ``None``, or here if that is temporary.
    formats
        What is ticked to begin with.

    Attributes
    ----------
    formats
        A checkbox by name of format.
    directory, exclusive, overwrite
        The other fields.
    files
        What was written last.
    remarks
        What there was to say about it, such as tracks that had to be written softer.
    work
        What runs or ran last.

    Examples
    --------
    >>> panel = ExportPanel("tracks", "for-praat", ["textgrid"])  # doctest: +SKIP
    >>> panel.export().wait()  # doctest: +SKIP
    """

    def __init__(
        self,
        separation: Separation | str | os.PathLike[str] | Callable[[], Separation],
        directory: str | os.PathLike[str] | None = None,
        formats: tuple[str, ...] | list[str] = ("rttm",),
    ) -> None:
        self._separation = separation
        self.files: tuple[Path, ...] = ()
        self.remarks: tuple[str, ...] = ()
        self.work: Work[tuple[Path, ...]] | None = None
        self.formats: dict[str, ipywidgets.Checkbox] = {}
        shown: list[Any] = []
        for title, group in GROUPS.items():
            for name, plugin in plugins.available(group).items():
                if isinstance(plugin, plugins.Loaded):
                    words = f"{name}: {plugin.info.summary}"
                    self.formats[name] = ipywidgets.Checkbox(
                        value=name in formats, description=words, tooltip=words, indent=False, layout={"width": "auto"}
                    )
            fields = [box for name, box in self.formats.items() if name in plugins.available(group)]
            columns = {"grid_template_columns": "repeat(auto-fill, minmax(28em, 1fr))"}
            shown += [ipywidgets.HTML(f"<b>{title}</b>"), ipywidgets.GridBox(fields, layout=columns)]
        wide: dict[str, Any] = {"style": {"description_width": "9em"}, "layout": {"width": "36em"}}
        self.directory = ipywidgets.Text(
            value="" if directory is None else str(directory),
            placeholder="beside the tracks: …-export",
            description="Directory",
            **wide,
        )
        self.exclusive = ipywidgets.Checkbox(description="One speaker at a time (for transcription)", indent=False)
        self.overwrite = ipywidgets.Checkbox(description="Replace files that exist", indent=False)
        self.button = ipywidgets.Button(description="Export", icon="download", button_style="primary")
        self.button.on_click(lambda _: self.export())
        self.written = ipywidgets.HTML()
        self._space = ipywidgets.VBox()
        shown += [self.directory, self.exclusive, self.overwrite, self.button, self._space, self.written]
        super().__init__(shown)

    @property
    def choices(self) -> dict[str, Any]:
        """The arguments of `speaksep_kernel.export` behind the separation; what is as by default is left out."""
        chosen = {"exclusive": self.exclusive.value, "overwrite": self.overwrite.value}
        return {
            "formats": [name for name, box in self.formats.items() if box.value],
            "directory": str(self._place(self._opened())),
            **{name: value for name, value in chosen.items() if value},
        }

    def export(self) -> Work[tuple[Path, ...]]:
        """As the button does."""
        self.files, self.remarks, self.written.value = (), (), ""
        self.work = Work(self._export, "Export", self._show)
        self._space.children = (self.work,)
        return self.work.start()

    def _export(self, hook: Any) -> tuple[Path, ...]:
        separation = self._opened()
        arguments = {**self.choices, "directory": self._place(separation)}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            files = partial(export, separation, **arguments)(hook=hook)
        self.remarks = tuple(str(each.message) for each in said if each.category is UserWarning)
        return files

    def _opened(self) -> Separation:
        if callable(self._separation):
            return self._separation()
        if not isinstance(self._separation, Separation):
            self._separation = Separation.open(Path(self._separation))
        return self._separation

    def _place(self, separation: Separation) -> Path:
        if self.directory.value.strip():
            return Path(self.directory.value.strip())
        if separation.keep is not None:  # a temporary place is nowhere to find files again
            return Path(f"{Path(separation.manifest.input.name).stem}-export")
        return separation.directory.with_name(f"{separation.directory.name}-export")

    def _last_picture(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(file.name)}</li>' for file in self.files)}</ul>"

    def _show(self, files: tuple[Path, ...]) -> None:
        self.files = files
        self.directory.value = str(files[0].parent)
        items = "".join(f"<li>{escape(file.name)}</li>" for file in files)
        remarks = "".join(f"<p>{escape(words)}</p>" for words in self.remarks)
        self.written.value = f"<p>Written to {escape(str(files[0].parent))}:</p><ul>{items}</ul>{remarks}"
        self._leave_picture()
