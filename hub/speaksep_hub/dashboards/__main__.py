"""``python -m speaksep_hub.dashboards``: the service that the hub, or whoever starts its parts, runs."""

from __future__ import annotations

import logging
import os
import sys

from speaksep_hub.dashboards.app import create_app
from speaksep_hub.service.place import Place
from speaksep_hub.service.run import serve
from speaksep_hub.settings import load
from speaksep_kernel.errors import SpeakSepError

if __name__ == "__main__":
    try:
        place = Place.from_environment()
        serve(load(), place, create=create_app, told=lambda url: print(url, flush=True), part="dashboards")
    except SpeakSepError as error:
        sys.exit(f"speaksep dashboards: {error}")
    logging.shutdown()
    os._exit(0)  # all is closed; taking the interpreter apart would take longer than everything before
