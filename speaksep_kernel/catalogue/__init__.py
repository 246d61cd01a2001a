"""Who has which recordings in the store, what is being uploaded, and what may be kept for how long."""
