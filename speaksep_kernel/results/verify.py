"""Make a separation again from its manifest and see whether the same bytes come out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.results.manifest import Manifest, read_manifest, recording_of, sha256, versions
from speaksep_kernel.results.rerender import edit_log, render_again
from speaksep_kernel.results.reseparate import heard_again
from speaksep_kernel.results.separate import separate_recording


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    same
        Files that came out byte for byte equal.
    different
        Files that did not, or not at all.
    damaged
        Files in the directory that are no longer what the manifest says.
    versions
        Packages whose version is not the manifest's, as ``{name: (then, now)}``.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    damaged: tuple[str, ...]
    versions: dict[str, tuple[str, str]]

    @property
    def ok(self) -> bool:
        """Everything is as it was."""
        return not self.different and not self.damaged


def verify(place: str | Path, source: Source | Recording, *, hook: ProgressHook = silent) -> Verification:
    """Separate ``source`` again as a manifest says, repeat what was corrected since, and compare.

    Parameters
    ----------
    place
        A result directory, or a ``manifest.json`` alone (then the files beside it are not checked).
    source
        The recording it was made from.

    Raises
    ------
    InputError
        Reason ``other-recording`` if ``source`` is not the recording of the manifest.
    """
    manifest = read_manifest(place)
    recording = recording_of(manifest, source)
    damaged = _damaged(Path(place), manifest) if Path(place).is_dir() else ()
    parameters = dict(manifest.parameters)
    format = parameters.pop("format")
    with tempfile.TemporaryDirectory(prefix="speaksep-") as directory:
        place = Path(directory) / "again"
        result = separate_recording(recording, Plan(**parameters), hook=hook, directory=place, format=format)
        if manifest.edits:
            # Where another table comes out the numbers may mean others, but then the table is among the differences.
            log = manifest.edits.model_copy(update={"table_sha256": edit_log(place).table_sha256})
            with heard_again(place, recording, log.stores, hook=hook) as stores:
                result = render_again(place, recording, place, edits=log, stores=stores, hook=hook)
    again = result.manifest
    same = {name for name, digest in manifest.files.items() if again.files.get(name) == digest}
    now = versions()
    return Verification(
        same=tuple(sorted(same)),
        different=tuple(sorted((manifest.files.keys() | again.files.keys()) - same)),
        damaged=damaged,
        versions={
            name: (then, now.get(name, "missing")) for name, then in manifest.versions.items() if now.get(name) != then
        },
    )


def _damaged(directory: Path, manifest: Manifest) -> tuple[str, ...]:
    def intact(name: str, digest: str) -> bool:
        path = directory / name
        return path.is_file() and sha256(path) == digest

    return tuple(name for name, digest in manifest.files.items() if not intact(name, digest))
