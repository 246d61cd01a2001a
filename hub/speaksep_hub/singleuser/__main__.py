"""``python -m speaksep_hub.singleuser``: what every spawner starts."""

from __future__ import annotations

import os
from pathlib import Path


def main() -> None:
    """Run it until the hub ends it."""
    from speaksep_hub.singleuser.settings import server_environment, server_settings
    from speaksep_hub.singleuser.welcome import fill_home

    home = Path.cwd()
    fill_home(home)
    for name, value in server_environment(home).items():
        os.environ.setdefault(name, value)
    from jupyterlab.labhubapp import SingleUserLabApp

    SingleUserLabApp.launch_instance(config=server_settings(os.environ))


if __name__ == "__main__":
    main()
