"""Who asks: tokens of the hub, browsers that signed in there, signed tokens, a file of tokens."""

from speaksep_hub.service.identity.caller import Caller
from speaksep_hub.service.identity.needs import needs, visits

__all__ = ["Caller", "needs", "visits"]
