"""The Jupyter kernel of SpeakSep: how it starts, which device it gets, what it offers in a notebook."""
