"""The cleaners that come with SpeakSep (group ``speaksep.cleaners``), and the chain that runs them over a recording."""
