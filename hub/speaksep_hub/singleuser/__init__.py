"""The Jupyter server of one person on the hub."""
