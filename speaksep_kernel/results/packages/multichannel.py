"""All tracks as the channels of one file, for tools that open nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from speaksep_kernel.errors import StoreError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.handover import Handover


class Multichannel:
    """One wav: a channel per speaker, in the order of their numbers, and the residual last."""

    info = PluginInfo("multichannel", "1", "One wav, a channel per speaker, then the residual", "LGPL-2.1")
    suffix = ".multichannel.wav"

    def write(self, handover: Handover, path: Path) -> None:
        """See `Format`."""
        separation = handover.separation
        rate_hz = separation.manifest.input.rate_hz
        files = [Recording.open(file) for file in (*(t.file for t in separation.tracks), separation.residual)]
        subtype, size = _subtype(files)
        big = len(files) * separation.manifest.input.frames * size > 2**31
        try:
            with sf.SoundFile(path, "w", rate_hz, len(files), subtype, format="RF64" if big else "WAV") as target:
                for blocks in zip(*(file.blocks(rate_hz=rate_hz) for file in files), strict=False):
                    shortest = min(map(len, blocks))  # decoders of lossy formats leave the last frame's padding on
                    target.write(_whole(np.hstack([block[:shortest] for block in blocks]), subtype))
        except (sf.LibsndfileError, AssertionError) as error:
            # soundfile asserts that all samples were taken; on a full disk they are not.
            raise StoreError(
                f"cannot write {path.name!r}: {error}", reason="store-failed", hint="free some space"
            ) from error


def _subtype(files: list[Recording]) -> tuple[str, int]:
    """What holds all samples, and its bytes for one."""
    if any(file.subtype == "FLOAT" for file in files):
        return "FLOAT", 4  # a residual beyond full scale
    return ("PCM_16", 2) if all(file.bit_depth == 16 for file in files) else ("PCM_24", 3)


def _whole(block: NDArray[np.float32], subtype: str) -> NDArray[np.float32] | NDArray[np.int32]:
    """Whole numbers as libsndfile takes them, so that none of its own scaling is in between."""
    if subtype == "FLOAT":
        return block
    bits = int(subtype.removeprefix("PCM_"))
    full = 1 << (bits - 1)
    whole = np.clip(np.rint(block.astype(np.float64) * full), -full, full - 1).astype(np.int32)
    return np.asarray(whole << (32 - bits), np.int32)
