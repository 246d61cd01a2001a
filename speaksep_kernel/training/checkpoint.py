"""Checkpoints: everything needed to go on exactly where a run stopped, replaced all at once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from speaksep_kernel.errors import InputError, StoreError

FILES = ("weights", "average", "moment", "variance")
"""One safetensors file each: the weights, their moving average and AdamW's two moments."""


def save(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    """Write a checkpoint beside the old one and put it in its place only when it is whole.

    Raises
    ------
    StoreError
        If it cannot be written (a full disk); the old checkpoint is untouched.
    """
    new, old = _beside(folder, "new"), _beside(folder, "old")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name in FILES:
            save_file(
                {key: value.cpu().contiguous() for key, value in tensors[name].items()}, new / f"{name}.safetensors"
            )
        (new / "state.json").write_text(json.dumps(state), encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise StoreError(
            f"cannot save the checkpoint {folder}: {error}", reason="not-saved", hint="free some disk space"
        ) from error


def exists(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return folder.exists() or _beside(folder, "old").exists()


def load(folder: Path, network: nn.Module) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read a checkpoint made for ``network``.

    Raises
    ------
    InputError
        If it is damaged or belongs to another architecture.
    """
    if not folder.exists():
        folder = _beside(folder, "old")  # the power failed between two renames
    try:
        tensors = {name: load_file(folder / f"{name}.safetensors") for name in FILES}
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"cannot read the checkpoint {folder}: {error}", reason="bad-checkpoint", hint="start a new run"
        ) from error
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if wanted != {name: value.shape for name, value in tensors["weights"].items()}:
        raise InputError(
            f"the checkpoint {folder} is of another architecture",
            reason="other-architecture",
            hint="give the sizes it was made with, or start a new run",
        )
    return tensors, state


def _beside(folder: Path, word: str) -> Path:
    return folder.with_name(f"{folder.name}.{word}")
