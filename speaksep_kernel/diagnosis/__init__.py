"""What is in a recording, and what to do about it."""

from speaksep_kernel.diagnosis.plan import Plan, make_plan
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Diagnosis, Facts, Finding
from speaksep_kernel.diagnosis.run import diagnose_recording

__all__ = ["Context", "Diagnoser", "Diagnosis", "Facts", "Finding", "Plan", "diagnose_recording", "make_plan"]
