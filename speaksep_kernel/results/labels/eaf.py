"""ELAN annotation files (EAF 3.0, as in the schema of the Max Planck Institute for Psycholinguistics)."""

from __future__ import annotations

import mimetypes
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import quote

from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.results.handover import Handover, Span
from speaksep_kernel.results.labels.text import bad_labels, read_text

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
OVERLAP = "overlap"
"""Linguistic type of the tier that says who talks at once; such tiers are not read back as a speaker."""


class Eaf:
    """One tier per speaker, and one of overlaps with the names of those who talk at once."""

    info = PluginInfo("eaf", "1", "ELAN, one tier per speaker and one of overlaps", "Apache-2.0")
    suffix, reads = ".eaf", (".eaf",)

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        root = ET.Element(
            "ANNOTATION_DOCUMENT",
            {
                "AUTHOR": "",
                "DATE": handover.made.isoformat(),
                "FORMAT": "3.0",
                "VERSION": "3.0",
                "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
                "xsi:noNamespaceSchemaLocation": SCHEMA,
            },
        )
        header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        media = handover.separation.manifest.input.name
        ET.SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=quote(media),
            RELATIVE_MEDIA_URL=f"./{quote(media)}",
            MIME_TYPE=mimetypes.guess_type(media)[0] or "audio/x-wav",
        )
        tiers = [
            (name, "speech", [(turn.start_s, turn.end_s, name) for turn in handover.turns_of(speaker)])
            for speaker, name in handover.names.items()
        ]
        overlaps = [(each.start_s, each.end_s, handover.together(each)) for each in handover.overlaps]
        tiers.append((_free(OVERLAP, handover), OVERLAP, overlaps))
        times = {
            ms: f"ts{n}" for n, ms in enumerate(sorted({_ms(t) for *_, rows in tiers for r in rows for t in r[:2]}), 1)
        }
        order = ET.SubElement(root, "TIME_ORDER")
        for ms, slot in times.items():
            ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(ms))
        number = 0
        for name, kind, rows in tiers:
            who = {"PARTICIPANT": name} if kind == "speech" else {}
            tier = ET.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": kind, "TIER_ID": name} | who)
            for start_s, end_s, text in rows:
                number += 1
                slots = {"TIME_SLOT_REF1": times[_ms(start_s)], "TIME_SLOT_REF2": times[_ms(end_s)]}
                annotation = ET.SubElement(ET.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", slots)
                annotation.set("ANNOTATION_ID", f"a{number}")
                ET.SubElement(annotation, "ANNOTATION_VALUE").text = text
        ET.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(number)
        for kind in ("speech", OVERLAP):
            ET.SubElement(
                root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID=kind, TIME_ALIGNABLE="true"
            )
        ET.indent(root)
        path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")

    def read(self, path: Path) -> tuple[Span, ...]:
        """See `ReadableFormat`. Tiers that depend on others, and those of overlaps, are passed over."""
        try:
            root = ET.fromstring(read_text(path).encode("utf-8"))
        except ET.ParseError as error:
            raise bad_labels(path, "XML", error, "the file is damaged or not ELAN's: save it in ELAN again") from None
        times = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
        spans: list[Span] = []
        for tier in root.iter("TIER"):
            if tier.get("PARENT_REF") is not None or tier.get("LINGUISTIC_TYPE_REF") == OVERLAP:
                continue
            name = tier.get("PARTICIPANT") or tier.get("TIER_ID") or ""
            for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
                try:
                    start_ms, end_ms = (float(times[annotation.get(f"TIME_SLOT_REF{n}")] or "") for n in (1, 2))
                except (KeyError, ValueError):
                    number = annotation.get("ANNOTATION_ID")
                    hint = "align it in ELAN, or delete it"
                    raise bad_labels(path, f"tier {name!r}", f"annotation {number} has no times", hint) from None
                spans.append((start_ms / 1000, end_ms / 1000, name))
        return tuple(spans)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _free(tier: str, handover: Handover) -> str:
    """A tier's name that no speaker has."""
    while tier in handover.names.values():
        tier += "_"
    return tier
