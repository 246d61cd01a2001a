"""Configuration of a JupyterHub for SpeakSep."""
