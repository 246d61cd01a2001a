"""Recordings: opening, limits, block reading, the choice of mixture, and the cache every analysis reads from."""

from speaksep_kernel.recording.cache import AnalysisCache
from speaksep_kernel.recording.channels import ChannelRelations, measure_channels
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.mixture import Mixdown, choose_mixdown
from speaksep_kernel.recording.recording import Recording, Source

__all__ = [
    "AnalysisCache",
    "ChannelRelations",
    "Limits",
    "Mixdown",
    "Recording",
    "Source",
    "choose_mixdown",
    "measure_channels",
]
