"""Other people's plugins in processes of their own, with bounds on time and memory."""

from speaksep_kernel.containment.bounds import KINDS, Bounds
from speaksep_kernel.containment.proxy import contained, peak_bytes

__all__ = ["KINDS", "Bounds", "contained", "peak_bytes"]
