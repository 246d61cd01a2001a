"""``python -m speaksep_hub.singleuser``: what every spawner starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Panel's previews of apps would cost every server 32 MB and a quarter of its start; Panel in notebooks needs none.
EXTENSIONS = {"jupyterhub": True, "panel.io.jupyter_server_extension": False}


def main() -> None:
    """Run it until the hub ends it."""
    from speaksep_hub.singleuser.settings import PART, server_environment, server_settings
    from speaksep_hub.singleuser.welcome import fill_home
    from speaksep_kernel.logs.begin import log_to
    from speaksep_kernel.logs.carried import keep

    log_to(PART)
    keep(user=os.environ.get("JUPYTERHUB_USER", ""))
    home = Path.cwd()
    fill_home(home)
    for name, value in server_environment(home).items():
        os.environ.setdefault(name, value)
    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    # JupyterHub's extension takes the server that is there, and makes it one of the hub.
    ServerApp.instance(config=server_settings(os.environ), jpserver_extensions=EXTENSIONS)
    # By an argument: it overrules a setting.
    JupyterHubSingleUser.launch_instance(
        ["--ServerApp.identity_provider_class=speaksep_hub.singleuser.identity.VisitorIdentity", *sys.argv[1:]]
    )


if __name__ == "__main__":
    main()
