"""The proxy that everything comes through."""
