"""The job service for programs: recordings in, tracks out, behind the identity of the hub."""
