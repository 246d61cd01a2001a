"""Reports of faults to Sentry, or to what speaks like it; none without an address."""
