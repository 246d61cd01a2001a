"""Runs: resuming, interrupting, full disks, other architectures, the command."""

import csv
import itertools
import resource
import signal
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.separation.network import SeparationNetwork, load_network
from speaksep_kernel.testing import voices
from speaksep_kernel.testing.voices import CLIPS
from speaksep_kernel.training import rooms
from speaksep_kernel.training.__main__ import main
from speaksep_kernel.training.checkpoint import FILES
from speaksep_kernel.training.corpus import from_voices
from speaksep_kernel.training.loop import Recipe, _loss, _side_by_side, train
from speaksep_kernel.training.mixer import Mixer
from speaksep_kernel.training.validation import fully_overlapped, training_sets

CPU = torch.device("cpu")
RECIPE = Recipe(minutes=60, batch=1, seconds=0.5, cosine=False, warm_up_steps=3)
CORPUS = from_voices(voices())
SIZE = {"width": 8, "hidden": 8, "blocks": 1}


@pytest.fixture(autouse=True)
def one_thread():
    """Threads gain nothing at this size, and sums in another order would blur comparisons."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def go(run: Path, steps: int, *, size: dict[str, int] = SIZE, recipe: Recipe = RECIPE, **options) -> dict[str, float]:
    """Take ``steps`` steps as one part of a run."""
    torch.manual_seed(1)
    turns = itertools.chain([False] * steps, itertools.repeat(True))
    return train(
        SeparationNetwork(**size, mask_hidden=8),
        Mixer(CORPUS, None, device=CPU, seed=1),
        {"two": fully_overlapped(CORPUS, 2, 2, seed=1, seconds=1.0)},
        run,
        recipe,
        device=CPU,
        interrupted=lambda: next(turns),
        report=lambda line: None,
        **options,
    )


def checkpoint(run: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {name: load_file(run / "checkpoint" / f"{name}.safetensors") for name in FILES}


def test_resuming_equals_going_on(tmp_path):
    go(tmp_path / "whole", 4)
    go(tmp_path / "parts", 2)
    go(tmp_path / "parts", 2)
    whole, parts = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "parts")
    for name in FILES:
        assert whole[name].keys() == parts[name].keys()
        assert all(torch.equal(whole[name][key], parts[name][key]) for key in whole[name])


@pytest.mark.parametrize("bfloat16", [False, True])
def test_two_cores_with_half_a_batch_each_come_to_the_same_again(tmp_path, bfloat16):
    torch.set_num_threads(2)
    recipe = replace(RECIPE, batch=3, bfloat16=bfloat16)
    for name in ("first", "again"):
        go(tmp_path / name, 2, recipe=recipe)
    first, again = (checkpoint(tmp_path / name) for name in ("first", "again"))
    assert all(torch.equal(first[name][key], again[name][key]) for name in FILES for key in first[name])
    assert torch.get_num_threads() == 2


def test_gradients_of_two_cores_are_the_mean_of_their_parts():
    torch.set_num_threads(2)
    network = SeparationNetwork(**SIZE, mask_hidden=8)
    parts = Mixer(CORPUS, None, device=CPU, seed=1).batch(3, 0.5).split(2)
    assert [len(part.mixture) for part in parts] == [2, 1]
    _side_by_side(network, parts, RECIPE)
    torch.set_num_threads(1)
    alone = [torch.autograd.grad(_loss(network, part, RECIPE)[0], list(network.parameters())) for part in parts]
    for weight, first, second in zip(network.parameters(), *alone, strict=True):
        torch.testing.assert_close(weight.grad, (first + second) / 2)


def test_training_changes_every_weight(tmp_path):
    torch.manual_seed(1)
    before = SeparationNetwork(**SIZE, mask_hidden=8).state_dict()
    go(tmp_path, 3)
    after = checkpoint(tmp_path)["weights"]
    assert all(not torch.equal(before[key], after[key]) for key in before)


def test_the_end_of_a_run_publishes_weights_and_curve(tmp_path):
    recipe = Recipe(minutes=0.01, batch=1, seconds=0.5)
    scores = go(tmp_path, 1000, recipe=recipe)
    rows = list(csv.DictReader((tmp_path / "curve.csv").read_text().splitlines()))
    assert rows[-1]["two"] == f"{scores['two']:.2f}"
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    average = checkpoint(tmp_path)["average"]
    shipped = load_network(tmp_path / "speaksep.safetensors").state_dict()
    assert all(torch.equal(shipped[key], average[key].half().float()) for key in average)


def test_a_checkpoint_of_another_architecture(tmp_path):
    go(tmp_path, 1)
    with pytest.raises(InputError, match="another architecture") as caught:
        go(tmp_path, 1, size={"width": 8, "hidden": 8, "blocks": 2})
    assert caught.value.reason == "other-architecture"


@pytest.mark.parametrize("name", ["weights.safetensors", "moment.safetensors", "state.json"])
def test_a_damaged_checkpoint(tmp_path, name):
    go(tmp_path, 1)
    (tmp_path / "checkpoint" / name).write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot read the checkpoint"):
        go(tmp_path, 1)


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path):
    go(tmp_path, 1)
    good = checkpoint(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        # To a writer, the limit of a file's size is a disk that is full after 2 kB.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
        with pytest.raises(StoreError, match="cannot save the checkpoint"):
            go(tmp_path, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = checkpoint(tmp_path)
    assert all(torch.equal(good[name][key], kept[name][key]) for name in FILES for key in good[name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]


def test_a_checkpoint_caught_between_its_two_renames_is_found(tmp_path):
    go(tmp_path, 1)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    go(tmp_path, 1)
    assert '"step": 2' in (tmp_path / "checkpoint" / "state.json").read_text()


def folders(root: Path) -> Path:
    for clip in sorted(CLIPS.glob("[cj]*.opus")):
        folder = root / clip.stem.split("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / clip.name).write_bytes(clip.read_bytes())
    return root


def command(tmp_path: Path, *more: str) -> list[str]:
    places = ["--corpus", str(tmp_path / "voices"), "--run", str(tmp_path / "run")]
    sizes = ["--width", "8", "--hidden", "8", "--blocks", "1", "--batch", "1", "--seconds", "0.5"]
    return [*places, *sizes, "--rooms", "0", "--device", "cpu", *more]


@pytest.fixture
def quick(monkeypatch):
    """Decode in this process, validate on few mixtures."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("speaksep_kernel.training.__main__.training_sets", partial(training_sets, items=2))


@pytest.mark.usefixtures("quick")
def test_the_command_trains_goes_on_and_fine_tunes(tmp_path, capsys):
    folders(tmp_path / "voices")
    assert main(command(tmp_path, "--minutes", "0.02")) == 0
    assert main(command(tmp_path, "--minutes", "0.04")) == 0
    assert "going on from step" in capsys.readouterr().out
    weights = tmp_path / "run" / "speaksep.safetensors"
    tuned = [*command(tmp_path, "--minutes", "0.01"), "--from-weights", str(weights), "--run", str(tmp_path / "tuned")]
    assert main(tuned) == 0
    assert load_network(tmp_path / "tuned" / "speaksep.safetensors").size == load_network(weights).size


@pytest.mark.usefixtures("quick")
def test_ctrl_c_leaves_a_usable_checkpoint(tmp_path, capsys, monkeypatch):
    folders(tmp_path / "voices")
    draw, calls = Mixer.batch, itertools.count(1)

    def interrupted_in_the_third_step(self, size, seconds):
        pressed = {3: signal.SIGINT}.get(next(calls), 0)
        signal.pthread_kill(threading.get_ident(), pressed)
        return draw(self, size, seconds)

    monkeypatch.setattr(Mixer, "batch", interrupted_in_the_third_step)
    assert main(command(tmp_path, "--minutes", "60")) == 130
    assert "goes on from the last checkpoint" in capsys.readouterr().err
    assert main(command(tmp_path, "--minutes", "0.01")) == 0
    assert "going on from step 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    "shares",
    [["--counts", "0", "0", "0", "0"], ["--counts", "1", "-1", "1", "0"], ["--taking-turns", "2"]],
    ids=["nothing", "less than nothing", "more than all"],
)
@pytest.mark.usefixtures("quick")
def test_shares_that_make_no_mixture(tmp_path, capsys, shares):
    folders(tmp_path / "voices")
    assert main(command(tmp_path, "--minutes", "1", *shares)) == 2
    assert "no mixtures can be drawn" in capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_shares_decide_what_is_mixed(tmp_path, monkeypatch):
    folders(tmp_path / "voices")
    draw, heard = Mixer.batch, []

    def counted(self, size, seconds):
        batch = draw(self, size, seconds)
        heard.append(int((batch.sources.square().sum(-1) > 0).sum()))
        return batch

    monkeypatch.setattr(Mixer, "batch", counted)
    assert main(command(tmp_path, "--minutes", "0.01", "--counts", "0", "0", "1", "0", "--taking-turns", "0")) == 0
    assert set(heard) == {2}


@pytest.mark.parametrize("name", ["missing.safetensors", "damaged.safetensors"])
def test_weights_that_cannot_be_read(tmp_path, capsys, name):
    (tmp_path / "damaged.safetensors").write_bytes(b"damaged")
    arguments = command(tmp_path, "--minutes", "1", "--from-weights", str(tmp_path / name))
    assert main(arguments) == 2
    assert "cannot read the weights" in capsys.readouterr().err


def test_rooms_without_pyroomacoustics(monkeypatch):
    monkeypatch.setattr(rooms, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pyroomacoustics") as caught:
        rooms.simulate_rooms(1)
    assert "speaksep[training]" in caught.value.hint


def test_simulated_rooms_have_unit_energy_and_start_at_once():
    responses = rooms.simulate_rooms(2, seed=1)
    assert responses.shape == (2, rooms.PLACES, rooms.RESPONSE_SAMPLES)
    assert (responses**2).sum(-1) == pytest.approx(1, rel=1e-3)
    assert abs(responses).argmax(-1).max() <= 16
