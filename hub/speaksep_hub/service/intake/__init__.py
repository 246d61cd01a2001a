"""What people send: received piece by piece, looked into, and stored, or refused and not kept."""
