"""What the parts of the platform write into the trail with."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_events import EventLogger

from speaksep_hub.audit.chain import Chain
from speaksep_hub.audit.events import EVENTS, ID_PREFIX
from speaksep_hub.audit.floods import Floods
from speaksep_kernel.errors import StoreError

if TYPE_CHECKING:
    from speaksep_hub.settings import Settings

_LOG = logging.getLogger("speaksep.audit")
LONGEST_TEXT = 500
"""Characters of a field."""
LONGEST_LIST = 50


class ChainHandler(logging.Handler):
    """Where event loggers of Jupyter put their events, the hub's own too.

    A trail that cannot be written (a full disk) does not stop the platform: it is said in the log, and the number of
    entries that are missing is the first thing written when it can be written again.

    Parameters
    ----------
    chain
        Where to.

    Attributes
    ----------
    missed
        Entries that could not be written since the last one that could.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.missed = 0
        self._chain = chain

    def emit(self, record: logging.LogRecord) -> None:
        """Write what an event logger logged: a dictionary."""
        fields: dict[str, Any] = record.msg  # type: ignore[assignment]
        try:
            if self.missed:
                gap = {"actor": "", "service": fields.get("service", ""), "missed": self.missed}
                self._chain.append({"__timestamp__": _now(), "__schema__": ID_PREFIX + "audit-gap", **gap})
                self.missed = 0
            self._chain.append({**fields, "__timestamp__": _now()})
        except StoreError as error:
            self.missed += 1
            _LOG.error("%s; %s by %r is not in it", error, fields.get("__schema__"), fields.get("actor"))


def register(events: EventLogger) -> None:
    """Make all events of the platform known to an event logger."""
    for event in EVENTS.values():
        events.register_event_schema(event.schema)


class AuditLog:
    """The trail, for one part of the platform. Any number of threads and processes may write into the same folder.

    Attributes
    ----------
    listener
        Told each event and its fields, by whichever thread records it; it must not raise.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> audit = AuditLog.open(Path(tempfile.mkdtemp()), service="speaksep")
    >>> audit.record("upload", actor="ann", recording="r1", bytes=1024)
    >>> from speaksep_hub.audit.verify import verify
    >>> verify(audit.folder).entries
    1
    """

    def __init__(self, handler: ChainHandler | None, folder: Path | None, service: str) -> None:
        self.folder = folder
        self._handler, self._service = handler, service
        self._one_thread = threading.Lock()
        self._floods = Floods()
        self.listener: Callable[[str, Mapping[str, Any]], object] = _nobody
        self._events = EventLogger(handlers=[handler] if handler else [])
        register(self._events)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        service: str,
        file_bytes: int = 16 * 1024**2,
        keep_files: int = 256,
        sync: bool = True,
    ) -> AuditLog:
        """The trail in a folder, made if it is not there.

        Parameters
        ----------
        folder
            Where.
        service
            Which part of the platform writes.
        file_bytes, keep_files, sync
            As in :class:`~speaksep_hub.audit.settings.AuditSettings`.

        Raises
        ------
        StoreError
            Reason ``audit-failed``: the folder cannot be made.
        """
        chain = Chain(folder, file_bytes=file_bytes, keep_files=keep_files, sync=sync)
        return cls(ChainHandler(chain), folder, service)

    @classmethod
    def of(cls, settings: Settings, service: str) -> AuditLog:
        """The trail of a platform, where its settings say.

        Parameters
        ----------
        settings
            Of the platform.
        service
            Which part of it writes.
        """
        audit = settings.audit
        return cls.open(
            audit.folder or settings.hub.kept("audit"),
            service=service,
            file_bytes=audit.file_bytes,
            keep_files=audit.keep_files,
            sync=audit.sync,
        )

    @classmethod
    def nowhere(cls) -> AuditLog:
        """A trail that keeps nothing."""
        return cls(None, None, "")

    @property
    def missed(self) -> int:
        """Entries that could not be written since the last one that could; 0 where all is well."""
        return self._handler.missed if self._handler else 0

    def record(self, event: str, *, actor: str, request_id: str = "", address: str = "", **fields: Any) -> None:
        """Write an event; it is on the disk when this returns.

        Parameters
        ----------
        event
            One of :data:`~speaksep_hub.audit.events.EVENTS`.
        actor
            User name, empty if nobody knows who it was.
        request_id, address
            Of the request that did it.
        fields
            Those of the event. None is left out; long texts are cut.

        Raises
        ------
        KeyError, jsonschema.ValidationError
            No such event or field: a fault of the caller.
        """
        kind = EVENTS[event]
        given = {"actor": actor, "service": self._service, "request_id": request_id, "address": address, **fields}
        data = {name: _short(value) for name, value in given.items() if value not in (None, "") or name in _ALWAYS}
        self.listener(event, given)
        with self._one_thread:
            if event == "refusal":
                suppressed = self._floods.count(f"{actor}@{address}", time.monotonic())
                if suppressed is None:
                    return
                data |= {"suppressed": suppressed} if suppressed else {}
            self._events.emit(schema_id=kind.schema_id, data=data)

    async def arecord(self, event: str, *, actor: str, request_id: str = "", address: str = "", **fields: Any) -> None:
        """As :meth:`record`, without holding up other coroutines while the disk works."""
        await asyncio.to_thread(self.record, event, actor=actor, request_id=request_id, address=address, **fields)


_ALWAYS = frozenset({"actor", "service"})


def _nobody(event: str, fields: Mapping[str, Any]) -> None:
    """Listens, where nobody does."""


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list | tuple | set | frozenset):
        return [_short(each) for each in list(value)[:LONGEST_LIST]]
    return value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
