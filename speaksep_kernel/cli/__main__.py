"""``python -m speaksep_kernel.cli``: the program, by whichever Python is asked."""

import sys

from speaksep_kernel.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
