"""Addresses that people may be told at: e-mail through the platform's own server, and services of Apprise."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken

from speaksep_hub.local.folder import Folder
from speaksep_kernel.errors import InputError, StoreError

if TYPE_CHECKING:
    from speaksep_hub.notices.settings import NoticeSettings
    from speaksep_hub.settings import Settings

LONGEST = 1000
"""Characters of an address."""
FIXED = frozenset({"slack", "discord", "tgram"})
"""Services that send to their own host, whatever the address says."""

_TIMEOUT_S = 4.0
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z]{2,63}")


class Addresses:
    """What may be an address, how it is kept, and how something is sent there.

    Parameters
    ----------
    settings
        Of the notices.
    key
        Seals what is kept.
    """

    def __init__(self, settings: NoticeSettings, key: str) -> None:
        self._settings = settings
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))

    @classmethod
    def of(cls, settings: Settings) -> Addresses:
        """Those of a platform.

        Raises
        ------
        StoreError
            The key cannot be kept in the folder.
        """
        given = settings.notices.key
        return cls(settings.notices, given.get_secret_value() if given else _own_key(settings.hub.kept("notices")))

    def seal(self, address: str) -> str:
        """As it is kept: chat and webhook addresses are as good as passwords."""
        return self._seal.encrypt(address.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """What was sealed; None: it was sealed with another key, and has to be given anew."""
        try:
            return self._seal.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    def check(self, address: str) -> None:
        """Refuse what cannot be an address here.

        Raises
        ------
        InputError
            Reason ``bad-address``.
        """
        self._plugin(address)

    def send(self, address: str, title: str, body: str, *, bad: bool) -> str:
        """Send something, within seconds.

        Parameters
        ----------
        address
            Where.
        title, body
            Plain text.
        bad
            Whether it is bad news; some services show that.

        Returns
        -------
        Why it did not arrive; empty if it did.
        """
        from apprise import Apprise, NotifyFormat, NotifyType

        try:
            plugin = self._plugin(address)
        except InputError as error:
            return error.error  # the settings have changed
        post = Apprise(asset=_asset())
        post.add(plugin)
        kind = NotifyType.WARNING if bad else NotifyType.INFO
        arrived = post.notify(title=title, body=body, notify_type=kind, body_format=NotifyFormat.TEXT)
        return "" if arrived else "it was not reached, or did not take it"

    def _plugin(self, address: str) -> Any:
        from apprise import Apprise

        plugin = self._mail(address) if _EMAIL.fullmatch(address) else None
        if plugin is None:
            self._check_service(address)
            plugin = Apprise.instantiate(address, asset=_asset(), suppress_exceptions=True)
        if plugin is None:
            raise _bad(
                "something of it is missing or malformed", "see https://appriseit.com for how a service is written"
            )
        # An address may ask for more of all of them than is good for others who wait.
        plugin.redirects, plugin.socket_connect_timeout, plugin.socket_read_timeout = False, _TIMEOUT_S, _TIMEOUT_S
        return plugin

    def _mail(self, address: str) -> Any:
        from apprise import NotifyFormat
        from apprise.plugins.email import NotifyEmail

        given, domains = self._settings.mail, self._settings.mail_domains
        if given is None:
            raise _bad("this platform sends no e-mail", "name a chat or a webhook, or ask for notices.mail")
        if domains and not address.lower().endswith(tuple(f"@{domain.lower()}" for domain in domains)):
            raise _bad("e-mail goes to other domains only", f"addresses end with {' or '.join(domains)}")
        mail: Any = NotifyEmail  # has no types
        parsed = mail.parse_url(given.get_secret_value())
        return mail(asset=_asset(), **{**parsed, "targets": [address], "format": NotifyFormat.TEXT.value})

    def _check_service(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _bad("it cannot be read", "give name@example.org, or service://…") from None
        allowed = self._settings.services
        if parts.scheme not in allowed:
            named = ", ".join(sorted(allowed)) or "none"
            raise _bad(
                f"it is no e-mail address, and no service that may be used here ({named})", "see docs/notices.md"
            )
        where = {host, f"{host}:{port}"}
        if parts.scheme not in FIXED and where.isdisjoint(self._settings.hosts):
            raise _bad(f"nothing is sent to {host[:100]!r}", "ask for it to be put into notices.hosts")


def shown(address: str) -> str:
    """An address without what makes it a secret."""
    if _EMAIL.fullmatch(address):
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{'' if parts.scheme in FIXED else parts.hostname or ''}…"


def id_of(owner: str, address: str) -> str:
    """By what somebody names an address of theirs that is known already."""
    return hashlib.sha256(f"{owner}\0{address}".encode()).hexdigest()[:12]


def _own_key(place: Path) -> str:
    """Made by chance when first asked for."""
    try:
        for each in (place, place / "secrets"):  # of parents, mkdir would make folders that others can list
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Folder(place).secret("key")
    except OSError as error:
        raise StoreError(
            f"the key of the notices cannot be kept: {error}", reason="folder-failed", hint="set notices.key"
        ) from error


@cache
def _asset() -> Any:
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="SpeakSep",
        app_desc="SpeakSep",
        app_url="",
        image_url_mask="",  # no picture is loaded from anywhere when a notice is read
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
    )


def _bad(error: str, hint: str) -> InputError:
    return InputError(f"this is no address for notices: {error}", reason="bad-address", hint=hint)
