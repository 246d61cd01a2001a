"""RO-Crate 1.1: a result that says what it is, what it was made from, by what and how (Process Run Crate 0.5)."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Any

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.directory import INTERNAL, MANIFEST
from speaksep_kernel.results.handover import Handover
from speaksep_kernel.results.manifest import sha256
from speaksep_kernel.results.packages.zipped import archive
from speaksep_kernel.results.values import PICTURE, TURNS

METADATA = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"

SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
"""RO-Crate 1.1 has no word of its own for it."""

Entity = dict[str, Any]

_MEDIA_TYPES = {".rttm": "text/plain", ".flac": "audio/flac", ".m4a": "audio/mp4", ".opus": "audio/ogg"}


class RoCrate:
    """A zip with tracks, residual, turns, manifest and picture, and their provenance as linked data."""

    info = PluginInfo(
        "rocrate",
        "1",
        "RO-Crate: the whole result with its provenance",
        "Apache-2.0",
        options={"licence": {"type": "string", "description": "URL of the licence of the recording and the tracks"}},
    )
    suffix = ".crate.zip"

    def __init__(self, licence: str = "") -> None:
        self._licence = licence

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        separation = handover.separation
        files = {track.file: f"What {handover.names[track.speaker]} says" for track in separation.tracks}
        files |= {separation.residual: "What belongs to nobody; with the tracks it adds up to the recording"}
        known = {TURNS: "Who speaks when", MANIFEST: "Parameters, versions, diagnosis and hashes", PICTURE: "Picture"}
        # What is stored to render it again is large, and of no use without the recording.
        names = [name for name in (*separation.manifest.files, MANIFEST, PICTURE) if not name.startswith(INTERNAL)]
        files = {separation.directory / name: known.get(name, name) for name in names} | files
        files = {file: what for file, what in files.items() if file.is_file()}
        metadata = json.dumps(self._metadata(handover, files), indent=2, ensure_ascii=False) + "\n"
        with archive(path) as crate:
            crate.add(METADATA, metadata)
            for file in files:
                crate.add(file.name, file)

    def _metadata(self, handover: Handover, files: dict[Path, str]) -> Entity:
        manifest = handover.separation.manifest
        made, results = handover.made.isoformat(), _links(*(file.name for file in files))
        licence = _licence(self._licence)
        return {
            "@context": [f"{SPECIFICATION}/context", {"sha256": SHA256}],
            "@graph": [
                {
                    "@id": METADATA,
                    "@type": "CreativeWork",
                    "conformsTo": {"@id": SPECIFICATION},
                    "about": {"@id": "./"},
                },
                {
                    "@id": "./",
                    "@type": "Dataset",
                    "name": f"{handover.title}, separated",
                    "description": f"One track per speaker ({len(manifest.speakers)}) and a residual from "
                    f"{manifest.input.name}, {manifest.input.seconds:.3f} s",
                    "datePublished": made,
                    "license": {"@id": licence["@id"]},
                    "conformsTo": {"@id": PROFILE},
                    "hasPart": results,
                    "mentions": {"@id": "#separation"},
                },
                {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
                licence,
                {
                    "@id": "#separation",
                    "@type": "CreateAction",
                    "name": f"Separation of {manifest.input.name} by speaker",
                    "description": f"Parameters, package versions and corrections are in {MANIFEST}",
                    "endTime": made,
                    "instrument": _links("#speaksep", "#separator"),
                    "object": {"@id": "#recording"},
                    "result": results,
                },
                {
                    "@id": "#speaksep",
                    "@type": "SoftwareApplication",
                    "name": "SpeakSep",
                    "softwareVersion": manifest.versions.get("speaksep", "unknown"),
                },
                {
                    "@id": "#separator",
                    "@type": "SoftwareApplication",
                    "name": manifest.model.separator,
                    "softwareVersion": manifest.model.version,
                    **({"sha256": manifest.model.sha256} if manifest.model.sha256 else {}),
                },
                {
                    "@id": "#recording",
                    "@type": "CreativeWork",
                    "name": manifest.input.name,
                    "identifier": f"sha256:{manifest.input.sha256}",
                    "description": f"{manifest.input.seconds:.3f} s, {manifest.input.rate_hz} Hz, "
                    f"{manifest.input.channels} channels, {manifest.input.format} {manifest.input.subtype}",
                },
                *(_file(path, what) for path, what in files.items()),
            ],
        }


def _file(path: Path, what: str) -> Entity:
    kind = _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {
        "@id": path.name,
        "@type": "File",
        "name": path.name,
        "description": what,
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": sha256(path),
    }


def _licence(url: str) -> Entity:
    """The licence, or that nobody told us: whose the voices are is nothing that a program can know."""
    if url:
        return {"@id": url, "@type": "CreativeWork", "name": url}
    return {"@id": "#licence", "@type": "CreativeWork", "name": "not stated", "description": "Ask who recorded it."}


def _links(*names: str) -> list[Entity]:
    return [{"@id": name} for name in names]
