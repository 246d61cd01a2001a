"""Who speaks when, in the files of other tools: one module per format."""
