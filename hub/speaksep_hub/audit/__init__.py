"""Who did what: a file of events in which every entry seals the one before it."""
