"""Steps a finding may advise. The plan turns them into decisions; people read them as sentences."""

from __future__ import annotations

from enum import StrEnum


class Advice(StrEnum):
    """One step of the pipeline.

    A third party's diagnoser may advise any other text: it is shown, and the plan leaves it to the reader.
    """

    NOTHING = ""
    CLEAN_DC = "clean:dc"
    CLEAN_DECLIP = "clean:declip"
    CLEAN_DENOISE = "clean:denoise"
    CLEAN_HUM = "clean:hum"
    CLEAN_LOUDNESS = "clean:loudness"
    CLEAN_RUMBLE = "clean:rumble"
    SEPARATE_NETWORK = "separate:network"
    SEPARATE_PASS = "separate:pass"
    SEPARATE_APART = "separate:apart"
    SEPARATE_NOTHING = "separate:nothing"
    CHECK_SPEAKERS = "check:speakers"
    CHECK_SOURCE = "check:source"
    CHECK_TRACKS = "check:tracks"

    @property
    def sentence(self) -> str:
        """The step in words."""
        return _SENTENCES[self]

    @property
    def cleaner(self) -> str | None:
        """Name of the cleaning step this is, if it is one."""
        kind, _, name = self.value.partition(":")
        return name if kind == "clean" else None


_SENTENCES = {
    Advice.NOTHING: "",
    Advice.CLEAN_DC: "Remove the constant offset before listening or further processing.",
    Advice.CLEAN_DECLIP: "Repair the clipped peaks; better, record again with less gain.",
    Advice.CLEAN_DENOISE: "Suppress the noise in copies made for listening; keep the originals for research.",
    Advice.CLEAN_HUM: "Notch out the hum and its harmonics.",
    Advice.CLEAN_LOUDNESS: "Bring exported tracks to a common loudness.",
    Advice.CLEAN_RUMBLE: "Take out what lies below the voices.",
    Advice.SEPARATE_NETWORK: "Separate the overlapped parts with the network.",
    Advice.SEPARATE_PASS: "Cut the tracks out of the recording as it is; no network is needed.",
    Advice.SEPARATE_APART: "Take each channel as its speaker's track; no network is needed.",
    Advice.SEPARATE_NOTHING: "Make no track; everything stays in the residual.",
    Advice.CHECK_SPEAKERS: "Listen to the tracks and give the number of speakers if you know it.",
    Advice.CHECK_SOURCE: "Look for a better copy of the recording.",
    Advice.CHECK_TRACKS: "Check the named spans in the tracks by ear.",
}


def sentence(advice: str) -> str:
    """Any advice in words: a known step's sentence, or the text itself."""
    return Advice(advice).sentence if advice in set(Advice) else advice
