"""Everything that kernels of dashboards import: a fork server has it ready (``SPEAKSEP_FORK_IMPORTS``)."""

from __future__ import annotations

from importlib import import_module

import soundfile  # noqa: F401
import sqlalchemy.dialects.sqlite  # noqa: F401

import speaksep_dashboards.notebook  # noqa: F401
from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.page import KINDS

for kind in KINDS:
    import_module(f"speaksep_dashboards.{kind}.page")
    esm(kind)
    css(kind)
