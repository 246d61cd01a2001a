"""Windows in, local tracks out; stitching them over a recording of any length."""
