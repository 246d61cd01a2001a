"""The separator around TorchScript and ONNX files, on small networks made here."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.separation.file_model import FileSeparator
from speaksep_kernel.testing import check_plugin, conversation


class Split(torch.nn.Module):
    """Low and high sound, at levels of its own as networks trained on SI-SDR have them: a split with a known answer."""

    def __init__(self, *, speakers_last: bool = False, shift: float = 0.0) -> None:
        super().__init__()
        self.speakers_last, self.shift = speakers_last, shift

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        low = torch.nn.functional.avg_pool1d(mixture[:, None], 9, 1, 4)[:, 0]
        both = torch.stack([low * 7.0, (mixture - low) * -0.3], 1) + self.shift
        if self.speakers_last:
            both = both.transpose(1, 2)
        return both


def save_torchscript(path: Path, **kind: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(Split(**kind), torch.randn(1, 8000)), str(path))
    return path


def save_onnx(path: Path, **kind: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Split(**kind), (torch.randn(1, 8000),), str(path), input_names=["mixture"],
            dynamic_axes={"mixture": {0: "batch", 1: "samples"}}, dynamo=False,
        )  # fmt: skip
    return path


@pytest.fixture(scope="module", params=["torchscript", "onnx", "speakers-last"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return {
        "torchscript": lambda: save_torchscript(folder / "net.pt"),
        "onnx": lambda: save_onnx(folder / "net.onnx"),
        "speakers-last": lambda: save_torchscript(folder / "net.pt", speakers_last=True),
    }[request.param]()


@pytest.fixture(scope="module")
def mixture() -> np.ndarray:
    return conversation(4, 2, 0.5).audio


def test_keeps_the_contract(model: Path) -> None:
    results = check_plugin("separator", FileSeparator, path=model)
    assert [(result.name, result.detail) for result in results if not result.ok] == []


def test_levels_and_polarity_are_put_right(model: Path, mixture: np.ndarray) -> None:
    (local,) = FileSeparator(path=model).separate(mixture[None], 16000)
    low = np.convolve(mixture, np.full(9, 1 / 9), "same")
    np.testing.assert_allclose(local.tracks[0], low, atol=2e-4)
    np.testing.assert_allclose(local.tracks.sum(0), mixture, atol=2e-4)


def test_a_network_of_another_rate_gets_its_rate(model: Path, mixture: np.ndarray) -> None:
    (local,) = FileSeparator(path=model, rate_hz=8000).separate(mixture[None], 16000)
    assert local.tracks.shape == (2, len(mixture))
    # What lies above 4 kHz is lost on the way; most of speech does not.
    assert np.std(local.tracks.sum(0) - mixture) < 0.4 * np.std(mixture)


@pytest.mark.parametrize(
    ("name", "reason"),
    [pytest.param("", "model-not-given", id="none-given"), pytest.param("gone.onnx", "model-not-found", id="missing")],
)
def test_no_file_no_model(name: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        FileSeparator(path=name)
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["text.pt", "text.onnx"])
@pytest.mark.parametrize("content", [b"", b"not a model"], ids=["empty", "text"])
def test_files_that_are_no_models(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="no model that can be loaded") as caught:
        FileSeparator(path=tmp_path / name)
    assert (caught.value.reason, "\n" in str(caught.value)) == ("bad-model", False)


def test_values_that_are_not_finite_are_refused(tmp_path: Path, mixture: np.ndarray) -> None:
    separator = FileSeparator(path=save_torchscript(tmp_path / "nan.pt", shift=float("nan")))
    with pytest.raises(PluginError, match="not finite") as caught:
        separator.separate(mixture[None], 16000)
    assert caught.value.reason == "bad-model-output"


def test_another_shape_is_refused(tmp_path: Path, mixture: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(torch.nn.Identity(), torch.randn(1, 8000)), str(tmp_path / "flat.pt"))
    with pytest.raises(PluginError, match=r"returned shape \(1, 64000\)"):
        FileSeparator(path=tmp_path / "flat.pt").separate(mixture[None], 16000)
