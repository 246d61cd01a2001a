"""Laws of the mixer and the loss."""

import numpy as np
import pytest
import torch

from speaksep_kernel.testing import voices
from speaksep_kernel.training.corpus import from_voices
from speaksep_kernel.training.losses import separation_loss
from speaksep_kernel.training.mixer import SOURCES, Batch, Mixer, Settings

CPU = torch.device("cpu")
EVERYTHING = Settings(taking_turns=1, noise=1, babble=0.5, room=1, band_limit=1, equaliser=1, clipping=1, companding=1)
CLEAN = Settings(taking_turns=0, noise=0, babble=0, room=0, band_limit=0, equaliser=0, clipping=0, companding=0)


def mixer(settings: Settings, speakers: int = 5, seed: int = 1) -> Mixer:
    chosen = dict(list(voices().items())[:speakers])
    rooms = np.random.default_rng(0).standard_normal((2, SOURCES + 1, 400)).astype(np.float32) / 20
    return Mixer(from_voices(chosen), rooms, device=CPU, seed=seed, settings=settings)


def with_count(count: int, settings: Settings) -> Batch:
    counts = tuple(float(count == number) for number in range(SOURCES + 1))
    return mixer(Settings(**{**vars(settings), "counts": counts})).batch(4, 2.0)


@pytest.mark.parametrize("settings", [EVERYTHING, CLEAN], ids=["everything", "clean"])
def test_mixture_is_the_sum_of_sources_and_residual(settings):
    batch = mixer(settings).batch(8, 2.0)
    assert torch.allclose(batch.sources.sum(1) + batch.residual, batch.mixture, atol=1e-6)
    assert torch.isfinite(batch.mixture).all()


@pytest.mark.parametrize("settings", [EVERYTHING, CLEAN], ids=["everything", "clean"])
@pytest.mark.parametrize("count", range(SOURCES + 1))
def test_absent_speakers_are_zero_and_inactive(count, settings):
    batch = with_count(count, settings)
    assert not batch.sources[:, count:].any()
    assert not batch.activity[:, count:].any()
    assert (batch.sources[:, :count].abs().amax(-1) > 0).all()


def test_speech_throughout_is_mostly_active():
    assert with_count(3, CLEAN).activity.mean() > 0.7


def test_clean_mixtures_carry_only_a_trace_of_noise():
    batch = with_count(2, CLEAN)
    assert 10 * torch.log10(batch.sources.sum(1).square().mean() / batch.residual.square().mean()) > 40


def test_sources_of_a_mixture_are_different_people():
    batch = with_count(3, CLEAN)
    assert np.abs(np.corrcoef(batch.sources[0].numpy()) - np.eye(3)).max() < 0.2


def test_two_voices_never_make_three():
    batch = mixer(Settings(counts=(0, 0, 0.5, 0.5)), speakers=2).batch(8, 1.0)
    assert not batch.sources[:, 2].any()


def test_same_seed_same_batches():
    first, second = (mixer(EVERYTHING, seed=3).batch(2, 1.0) for _ in range(2))
    assert torch.equal(first.mixture, second.mixture)


def loss_of(estimates: torch.Tensor, batch: Batch, logits: torch.Tensor | None = None) -> float:
    logits = torch.zeros_like(batch.activity) if logits is None else logits
    return float(separation_loss(estimates, logits, batch.sources, batch.residual, batch.activity)[0])


def truth(batch: Batch) -> torch.Tensor:
    return torch.cat([batch.sources, batch.residual[:, None]], 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)], ids=str)
def test_loss_does_not_depend_on_the_order_of_the_tracks(order):
    batch = mixer(EVERYTHING).batch(4, 1.0)
    generator = torch.Generator().manual_seed(1)
    estimates = truth(batch) + 0.01 * torch.randn(4, 4, batch.mixture.shape[-1], generator=generator)
    logits = torch.randn(batch.activity.shape, generator=generator)
    turned = loss_of(estimates[:, [*order, 3]], batch, logits[:, list(order)])
    assert turned == pytest.approx(loss_of(estimates, batch, logits), abs=1e-4)


def test_loss_asks_for_silence_where_nobody_speaks():
    batch = with_count(1, CLEAN)
    leaking = truth(batch)
    leaking[:, 1] += 0.3 * batch.mixture
    assert loss_of(leaking, batch) > loss_of(truth(batch), batch) + 2


def test_loss_is_finite_with_nobody_and_digital_silence():
    silence = torch.zeros(2, 4, 16000, requires_grad=True)
    nothing = torch.zeros(2, 3, 62)
    loss, snr_db = separation_loss(silence + 0, nothing, torch.zeros(2, 3, 16000), torch.zeros(2, 16000), nothing)
    loss.backward()
    assert torch.isfinite(loss)
    assert float(snr_db) == 0
    assert torch.isfinite(silence.grad).all()
