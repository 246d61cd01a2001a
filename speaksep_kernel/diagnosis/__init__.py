"""What is in a recording, and what to do about it."""
