"""The hub's side of the proxy: routes, as they come with traefik, and certificates that are replaced while it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jupyterhub_traefik_proxy.fileprovider import TraefikFileProviderProxy
from traitlets import Float, Unicode

from speaksep_hub.proxy.certificates import HandedOver
from speaksep_hub.proxy.traefik import default_certificate
from speaksep_kernel.errors import InputError


class WatchingProxy(TraefikFileProviderProxy):  # type: ignore[misc] # it has no types
    """Traefik, told of new certificate files: by itself it reads them again only when its routes change.

    Connections that are open keep the certificate they began with and are not cut; new ones get the new one.
    """

    certificate_file = Unicode(config=True, help="PEM file of a certificate that is given; empty: none is.")
    key_file = Unicode(config=True, help="PEM file of its key.")
    certificate_folder = Unicode(config=True, help="Where copies of both go that the proxy reads.")
    certificate_look_s = Float(2.0, config=True, help="Seconds between two looks at the files.")

    extra_dynamic_config: Any
    _watching: asyncio.Task[None] | None = None

    async def _setup_traefik_dynamic_config(self) -> None:
        if self.certificate_file:
            given = HandedOver(Path(self.certificate_file), Path(self.key_file), Path(self.certificate_folder))
            given.changed()
            # What is not good is not told; of a hub that was here before, the proxy still has one that was.
            rest = {name: value for name, value in self.extra_dynamic_config["tls"].items() if name != "stores"}
            self.extra_dynamic_config = {**self.extra_dynamic_config, "tls": {**rest, **self._handed(given)}}
            if self._watching is None:
                self._watching = asyncio.create_task(self._watch(given))
        await super()._setup_traefik_dynamic_config()

    async def stop(self) -> None:
        """End the proxy."""
        if self._watching is not None:
            self._watching.cancel()
        await super().stop()

    async def _watch(self, given: HandedOver) -> None:
        while True:
            await asyncio.sleep(self.certificate_look_s)
            if given.changed() and (found := self._handed(given)):
                await self._tell(found)

    async def _tell(self, tls: dict[str, Any]) -> None:
        try:
            await self._apply_dynamic_config({"tls": tls})
        except OSError as error:
            self.log.error("the proxy cannot be told of the new certificate: %s", error)
        else:
            self.log.info("new connections get the certificate that is now in %s", self.certificate_file)

    def _handed(self, given: HandedOver) -> dict[str, Any]:
        """What is to change in the proxy's ``tls``; nothing if the files are not good, which the log says."""
        try:
            return default_certificate(*given.hand_over())
        except (InputError, OSError) as error:
            self.log.error("the certificate is left as it was: %s", error)
            return {}
