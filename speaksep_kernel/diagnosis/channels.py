"""How the channels relate, and what the mixture is made of."""

from __future__ import annotations

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser
from speaksep_kernel.diagnosis.report import Finding
from speaksep_kernel.plugins import PluginInfo


class Channels(Diagnoser):
    """Mono, identical, inverted, dead, one speaker each, or different; measured when the mixture is chosen."""

    info = PluginInfo(name="channels", version="1", summary="Relations between channels", licence="Apache-2.0")

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        why, relations = context.facts.mixture_why, context.relations
        if relations is None:
            return [Finding("channels", "mono", "", "info", why)]
        if context.facts.mixture == "apart":
            return [Finding("channels", "one speaker each", "", "info", why, advice=Advice.SEPARATE_APART)]
        if context.facts.mixture == "identical":
            return [Finding("channels", "identical", "", "info", "All channels are the same: the recording is mono.")]
        found = [
            Finding("channels", "inverted", "", "notice", why, subject=f"channel {c + 1}") for c in relations.inverted
        ]
        found += [
            Finding("channels", "dead", "", "notice", "This channel carries nothing.", subject=f"channel {c + 1}")
            for c in relations.dead
        ]
        if context.facts.mixture == "channel":
            used = next(c for c, weight in enumerate(context.facts.weights) if weight)
            found.append(Finding("channels", "one used", "", "notice", why, subject=f"channel {used + 1}"))
        return found or [Finding("channels", "different", "", "info", why)]
