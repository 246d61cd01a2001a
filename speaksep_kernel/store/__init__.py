"""What is kept: recordings by their hash, results by their job, in a directory or wherever fsspec reaches."""
