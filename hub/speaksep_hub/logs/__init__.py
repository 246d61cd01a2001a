"""How the parts of the platform log: Tornado's servers, the hub, what is no Python, and who reads it."""
