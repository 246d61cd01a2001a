"""For tests, ours and plugin authors': real voices, conversations of known content, the conformance kit.

Importing it needs neither torch nor pytest.
"""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.testing.conformance import CheckResult, check_plugin, plugin_checks
from speaksep_kernel.testing.conversation import Conversation, conversation
from speaksep_kernel.testing.separated import known_separation
from speaksep_kernel.testing.voices import VOICES, voice, voices

__all__ = [
    "VOICES",
    "CheckResult",
    "Conversation",
    "check_plugin",
    "conversation",
    "known_separation",
    "plugin_checks",
    "sample_recording",
    "voice",
    "voices",
]


def sample_recording() -> Path:
    """Path of the sample: a minute of three people talking over each other, ``conversation.rttm`` beside it."""
    return Path(__file__).with_name("sample") / "conversation.flac"
