"""Made-up voices for the tests of the voice book."""

import numpy as np

from speaksep_kernel.voices.book import Sample, Voice, changing
from speaksep_kernel.voices.encoders import CamPlusPlus

DIM = CamPlusPlus.dim


def direction(seed):
    vector = np.random.default_rng(seed).standard_normal(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(seed, other, share=0.5):
    """A vector whose cosine to ``direction(seed)`` is about ``1 / hypot(1, share)``."""
    vector = direction(seed) + share * direction(other)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def numbers(vector):
    return tuple(round(value, 6) for value in vector.tolist())


def sample(seed):
    return Sample(seconds=10, vector=numbers(direction(seed)), telephone=numbers(direction(seed + 1000)))


def made(name, *seeds, note=""):
    return Voice(name=name, consent=True, note=note, enrolled="2026-01-31", samples=tuple(map(sample, seeds)))


def made_book(path, *names):
    """A book in which the first voice is ``made(name, 0)``, the next ``made(name, 1)``."""
    with changing(path) as opened:
        opened.voices |= {name: made(name, seed) for seed, name in enumerate(names)}
    return path
