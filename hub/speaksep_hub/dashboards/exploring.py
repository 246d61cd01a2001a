"""Where somebody goes on from a page: the same view with a kernel or a session behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from speaksep_hub.dashboards.looking import Looked
    from speaksep_hub.service.platform import Platform

_WORDS = {"voila": "Explore in Voila", "panel": "Explore in Panel"}


def doors(platform: Platform, looked: Looked) -> list[tuple[str, str]]:
    """Words and addresses; none where there is no hub, or where nobody is known who could go on."""
    if platform.place.hub is None or looked.visitor.caller is None or looked.token is not None or looked.inside:
        return []
    which = looked.name.partition("/")[2]
    query = f"share={which}" if looked.share.id else f"mine={quote(which, safe='')}"
    services = platform.place.prefix.rstrip("/").rpartition("/")[0]
    paths = {"voila": f"voila/render/{looked.page.kind}.ipynb", "panel": looked.page.kind}
    return [
        (_WORDS[name], f"{services}/{name}/{paths[name]}?{query}") for name in platform.settings.dashboards.interactive
    ]
