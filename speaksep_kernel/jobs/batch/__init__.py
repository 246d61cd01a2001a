"""A batch: one notebook, many rows of parameters, and a directory that gets what comes out."""
