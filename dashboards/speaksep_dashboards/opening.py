"""From a share to the page that it opens."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Page, Reader, without_places
from speaksep_kernel.errors import InputError, SpeakSepError

if TYPE_CHECKING:
    from speaksep_kernel.catalogue.share import Share

_PAGES = {
    "recording": "RecordingPage",
    "collection": "CollectionPage",
    "batch": "BatchPage",
    "compare": "ComparePage",
    "operations": "OperationsPage",
}
"""Class of each kind, in ``speaksep_dashboards.KIND.page``."""


def open_page(share: Share, reader: Reader, desk: Desk) -> Page:
    """The page that a share opens for a reader.

    Whether the reader may have the share at all was decided before, by whoever looked it up
    (`speaksep_kernel.catalogue.shares`); here only what it names is looked for, among its owner's things.

    Parameters
    ----------
    share
        Saved, or made for the owner's own look.
    reader
        Who looks.
    desk
        Where the things are.

    Raises
    ------
    InputError
        Reasons ``unknown-view``, ``gone-result`` (removed, or never the owner's), ``half-written``, ``newer-version``
        and ``empty-share``. A job that is not finished, that failed, or in which nobody speaks is no error: its page
        says so.
    StoreError
        The store does not answer.
    """
    if share.kind not in _PAGES:
        raise InputError(f"no view {share.kind[:40]!r}", reason="unknown-view", hint=f"there are: {', '.join(_PAGES)}")
    module = import_module(f"speaksep_dashboards.{share.kind}.page")
    try:
        page: Page = getattr(module, _PAGES[share.kind])(share, reader, desk)
    except SpeakSepError as error:
        raise without_places(error) from error
    return page
