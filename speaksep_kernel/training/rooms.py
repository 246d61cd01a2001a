"""A bank of simulated rooms: impulse responses from several places to one microphone."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.streams import RATE_HZ

RESPONSE_SAMPLES = 9600
"""Length of a response: 0.6 s."""
T60_S = (0.1, 0.8)
PLACES = 4
"""Places per room: three speakers and one noise."""


def simulate_rooms(count: int, *, seed: int = 0, processes: int = 1) -> NDArray[np.float32]:
    """Simulate shoebox rooms with pyroomacoustics (image sources, T60 0.1 to 0.8 s).

    Returns
    -------
    responses
        (count, PLACES, RESPONSE_SAMPLES) float32, each of unit energy and starting 1 ms before its direct sound,
        so that a source keeps its level and its place in time.

    Raises
    ------
    InputError
        If pyroomacoustics is not installed.
    """
    if find_spec("pyroomacoustics") is None:
        raise InputError(
            "rooms need the package pyroomacoustics, which is not installed",
            reason="missing-package",
            hint="pip install 'speaksep[training]', or train without rooms: --rooms 0",
        )
    seeds = [seed * 1_000_003 + index for index in range(count)]
    if processes == 1:
        return np.stack([_simulate(one) for one in seeds])
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return np.stack(list(pool.map(_simulate, seeds, chunksize=8)))


def _simulate(seed: int) -> NDArray[np.float32]:
    import pyroomacoustics

    rng = np.random.default_rng(seed)
    while True:
        size = rng.uniform([3.0, 3.0, 2.3], [9.0, 8.0, 3.5])
        t60_s = float(rng.uniform(*T60_S))
        try:
            absorption, order = pyroomacoustics.inverse_sabine(t60_s, size)
        except ValueError:  # the room is too large to be this dry
            continue
        room = pyroomacoustics.ShoeBox(
            size, fs=RATE_HZ, materials=pyroomacoustics.Material(absorption), max_order=min(order, 17)
        )
        margin = 0.4
        places = rng.uniform(margin, size - margin, (PLACES + 1, 3))
        if np.linalg.norm(places[1:] - places[0], axis=1).min() < 0.3:
            continue
        room.add_microphone(places[0])
        for place in places[1:]:
            room.add_source(place)
        room.compute_rir()
        responses = np.zeros((PLACES, RESPONSE_SAMPLES), np.float32)
        for index, response in enumerate(room.rir[0]):
            direct = max(0, int(np.argmax(np.abs(response))) - 16)
            cut = response[direct : direct + RESPONSE_SAMPLES]
            responses[index, : len(cut)] = cut / np.sqrt(np.sum(cut**2) + 1e-12)
        return responses
