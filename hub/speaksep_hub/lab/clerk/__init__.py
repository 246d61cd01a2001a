"""The process beside a Jupyter server that does what its pages ask for; it imports what it needs when it is asked."""
