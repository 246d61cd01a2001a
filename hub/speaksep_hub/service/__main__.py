"""``python -m speaksep_hub.service``: the same as ``speaksep service``."""

import sys

from speaksep_kernel.cli import main

sys.exit(main(["service", *sys.argv[1:]]))
