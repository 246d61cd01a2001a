"""``python -m speaksep_hub.local.provider``: the provider that the settings describe, until it is told to end."""

from __future__ import annotations

import sys

from speaksep_kernel.errors import SpeakSepError


def main() -> int:
    """Serve on loopback; anything else is refused."""
    import uvicorn

    from speaksep_hub.local.folder import Folder
    from speaksep_hub.local.provider.app import Provider
    from speaksep_hub.local.provider.grants import Grants
    from speaksep_hub.refusals import refuse_unsafe
    from speaksep_hub.settings import load
    from speaksep_kernel.logs.begin import log_to

    log_to("provider")
    try:
        settings = load()
        refuse_unsafe(settings)
        folder = Folder.open(settings.hub.folder)
        given = settings.secrets.provider
        grants = Grants(
            issuer=f"http://127.0.0.1:{settings.ports.provider}",
            client_id=settings.sign_in.client_id,
            client_secret=given.get_secret_value() if given else folder.secret("provider"),
            key=folder.secret("provider-tokens"),
        )
    except SpeakSepError as error:
        print(f"speaksep: {error}", file=sys.stderr)
        return error.exit_code
    app = Provider(grants, settings.hub.url, settings.groups.by_role).app()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.ports.provider,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who comes is decided by the connection itself
        timeout_graceful_shutdown=1,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
