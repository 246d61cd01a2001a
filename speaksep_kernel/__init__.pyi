from speaksep_kernel.diagnosis.plan import Plan as Plan
from speaksep_kernel.diagnosis.report import Diagnosis as Diagnosis
from speaksep_kernel.diagnosis.report import Finding as Finding
from speaksep_kernel.errors import CapacityError as CapacityError
from speaksep_kernel.errors import InputError as InputError
from speaksep_kernel.errors import JobError as JobError
from speaksep_kernel.errors import PluginError as PluginError
from speaksep_kernel.errors import SpeakSepError as SpeakSepError
from speaksep_kernel.errors import StoreError as StoreError
from speaksep_kernel.pipeline import diagnose as diagnose
from speaksep_kernel.pipeline import export as export
from speaksep_kernel.pipeline import identify as identify
from speaksep_kernel.pipeline import plan as plan
from speaksep_kernel.pipeline import render as render
from speaksep_kernel.pipeline import separate as separate
from speaksep_kernel.pipeline import verify as verify
from speaksep_kernel.plugins import PluginInfo as PluginInfo
from speaksep_kernel.recording import Limits as Limits
from speaksep_kernel.recording import Recording as Recording
from speaksep_kernel.results.values import Separation as Separation
from speaksep_kernel.results.values import Track as Track
from speaksep_kernel.testing import sample_recording as sample_recording
from speaksep_kernel.voices.enrolment import enroll as enroll
from speaksep_kernel.voices.turns import Turn as Turn

__version__: str
