"""What a run is made of between two steps, in memory and in a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speaksep_kernel.separation.network import SeparationNetwork
from speaksep_kernel.training import checkpoint
from speaksep_kernel.training.mixer import Mixer


class TrainingState:
    """Network, optimiser, moving average, random state and counters of a run.

    Attributes
    ----------
    average
        Moving average of the weights, by name: what is validated and shipped.
    step, mixture_s, spent_s
        Steps taken, seconds of mixtures seen, wall-clock in seconds, over all parts of the run.
    """

    def __init__(self, network: SeparationNetwork, mixer: Mixer, device: torch.device) -> None:
        self.network = network.to(device).train()
        self.mixer = mixer
        self.optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2, betas=(0.9, 0.98))
        # cuDNN's LSTM computes in half precision under autocast, whatever type is asked for: scale its gradients.
        self.scaler = torch.amp.GradScaler(device.type, init_scale=2.0**12, enabled=device.type == "cuda")
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.step = 0
        self.mixture_s = 0.0
        self.spent_s = 0.0

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Move the average towards the weights, faster while it is young."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        torch._foreach_lerp_(list(self.average.values()), [current[name] for name in self.average], 1 - decay)

    def averaged_network(self) -> SeparationNetwork:
        """A network of the averaged weights, ready to separate."""
        network = SeparationNetwork(**self.network.size)
        network.load_state_dict(self.average)
        return network.to(next(self.network.parameters()).device).eval()

    def save(self, folder: Path) -> None:
        """Write a checkpoint, see `speaksep_kernel.training.checkpoint.save`."""
        moments = {name: self.optimiser.state.get(value, {}) for name, value in self.network.named_parameters()}
        tensors = {
            "weights": {name: value.detach() for name, value in self.network.state_dict().items()},
            "average": self.average,
            "moment": _moment(moments, "exp_avg"),
            "variance": _moment(moments, "exp_avg_sq"),
        }
        state = {
            "step": self.step,
            "mixture_s": self.mixture_s,
            "spent_s": self.spent_s,
            "generator": bytes(self.mixer.generator.get_state().tolist()).hex(),
            "scaler": self.scaler.state_dict(),
        }
        checkpoint.save(folder, tensors, state)

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint, see `speaksep_kernel.training.checkpoint.load`."""
        tensors, state = checkpoint.load(folder, self.network)
        device = next(self.network.parameters()).device
        self.network.load_state_dict(tensors["weights"])
        self.average = {name: value.to(device) for name, value in tensors["average"].items()}
        self.step, self.mixture_s, self.spent_s = state["step"], state["mixture_s"], state["spent_s"]
        for name, parameter in self.network.named_parameters():
            if name in tensors["moment"]:
                self.optimiser.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": tensors["moment"][name].to(device),
                    "exp_avg_sq": tensors["variance"][name].to(device),
                }
        self.scaler.load_state_dict(state.get("scaler", {}) or self.scaler.state_dict())
        generator = torch.tensor(list(bytes.fromhex(state["generator"])), dtype=torch.uint8)
        if generator.shape == self.mixer.generator.get_state().shape:  # CPU and CUDA have states of their own
            self.mixer.generator.set_state(generator)


def _moment(moments: dict[str, dict[str, Any]], key: str) -> dict[str, Tensor]:
    return {name: state[key] for name, state in moments.items() if key in state}
