"""All events of the audit trail, as schemas of jupyter_events: nothing else can be written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

ID_PREFIX = "urn:speaksep:audit:"
HUB_SERVER_ACTION = "https://schema.jupyter.org/jupyterhub/events/server-action"
"""JupyterHub's own event: a server was started or stopped."""

_TYPES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "text": {"type": "string"},
        "number": {"type": "number"},
        "integer": {"type": "integer"},
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}},
    }
)


@dataclass(frozen=True)
class AuditEvent:
    """A kind of event.

    Attributes
    ----------
    name
        Its name in the trail.
    summary
        What happened, for the documentation and the schema.
    required, optional
        Its own fields and their kinds: text, number, integer, flag or list (of texts).
    """

    name: str
    summary: str
    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema_id(self) -> str:
        """Name of its schema."""
        return ID_PREFIX + self.name

    @property
    def schema(self) -> dict[str, Any]:
        """The schema as jupyter_events takes it; fields that are not listed are refused."""
        fields = {**COMMON, **self.required, **self.optional}
        return {
            "$id": self.schema_id,
            "version": "1",
            "title": self.name,
            "description": self.summary,
            "type": "object",
            "properties": {name: _TYPES[kind] for name, kind in fields.items()},
            "required": ["actor", "service", *self.required],
            "additionalProperties": False,
        }


COMMON: Mapping[str, str] = MappingProxyType(
    {"actor": "text", "service": "text", "request_id": "text", "address": "text"}
)
"""Fields of every event: who (empty: nobody knows), which part wrote it, in which request, from where."""


def _events(*events: AuditEvent) -> Mapping[str, AuditEvent]:
    return MappingProxyType({event.name: event for event in events})


EVENTS = _events(
    AuditEvent("sign-in", "Somebody signed in.", optional={"method": "text", "admin": "flag"}),
    AuditEvent("sign-in-failed", "A sign-in was refused.", optional={"reason": "text"}),
    AuditEvent("sign-out", "Somebody signed out."),
    AuditEvent(
        "refusal",
        "A request was refused: nobody known, not allowed, too large, too slow or too many.",
        {"path": "text"},
        {"status": "integer", "method": "text", "reason": "text", "suppressed": "integer"},
    ),
    AuditEvent(
        "token-made",
        "A token was made, by hand, for a server, or for a browser that signed in at a service.",
        {"token": "text"},
        {"owner": "text", "scopes": "list", "expires": "text", "note": "text", "client": "text"},
    ),
    AuditEvent("token-revoked", "A token was revoked.", {"token": "text"}, {"owner": "text"}),
    AuditEvent(
        "token-exchanged",
        "A token of the hub was exchanged for a short-lived signed one.",
        {"token": "text"},
        {"expires": "text", "scopes": "list", "parent": "text"},
    ),
    AuditEvent(
        "upload",
        "A recording was taken in.",
        {"recording": "text", "bytes": "integer"},
        {"sha256": "text", "name": "text", "known": "flag"},
    ),
    AuditEvent("recording-removed", "A recording was removed.", {"recording": "text"}, {"reason": "text"}),
    AuditEvent(
        "retention",
        "What is kept no longer was removed, so many of each.",
        {"recordings": "integer", "uploads": "integer", "results": "integer"},
    ),
    AuditEvent(
        "job-submitted",
        "A job was asked for.",
        {"job": "text", "notebook": "text"},
        {"recording": "text", "batch": "text"},
    ),
    AuditEvent("job-cancelled", "A job was cancelled.", {"job": "text"}),
    AuditEvent("job-retried", "A job was queued again.", {"job": "text"}),
    AuditEvent("batch-submitted", "A batch was asked for.", {"batch": "text", "jobs": "integer", "notebook": "text"}),
    AuditEvent("batch-cancelled", "A batch was cancelled.", {"batch": "text"}, {"jobs": "integer"}),
    AuditEvent("batch-retried", "What failed of a batch was asked for again.", {"batch": "text"}),
    AuditEvent(
        "download",
        "Sound or results left the platform: a recording, track, file, report or results.",
        {"what": "text", "id": "text"},
        {"file": "text", "format": "text"},
    ),
    AuditEvent("view", "A page or dashboard was looked at.", {"page": "text"}),
    AuditEvent(
        "share-made",
        "Somebody let others see something of theirs: who, whether files may be saved, until when.",
        {"share": "text", "kind": "text"},
        {"what": "text", "users": "list", "groups": "list", "download": "flag", "expires": "text"},
    ),
    AuditEvent(
        "share-changed",
        "It was changed who may see something, or for how long; what was changed is said as it is now.",
        {"share": "text"},
        {"users": "list", "groups": "list", "download": "flag", "expires": "text", "title": "text"},
    ),
    AuditEvent("share-revoked", "A share was ended, with its links.", {"share": "text"}),
    AuditEvent(
        "link-made",
        "A link to a share was made.",
        {"share": "text", "link": "text"},
        {"expires": "text", "note": "text"},
    ),
    AuditEvent("link-revoked", "A link to a share was ended.", {"share": "text", "link": "text"}),
    AuditEvent("share-opened", "Somebody opened what another shared.", {"share": "text"}, {"link": "text"}),
    AuditEvent(
        "share-refused",
        "Somebody asked for a share that is not there, not for them, or over.",
        {"reason": "text"},
        {"share": "text", "link": "text"},
    ),
    AuditEvent("vote", "Somebody chose between what they heard.", {"share": "text", "item": "text"}),
    AuditEvent(
        "comment",
        "Somebody wrote a comment, or took one back.",
        {"share": "text"},
        {"comment": "integer", "removed": "flag"},
    ),
    AuditEvent("result-edited", "A result was corrected.", {"job": "text", "action": "text"}),
    AuditEvent(
        "voice-enrolled",
        "A voice was enrolled.",
        {"voice": "text"},
        {"consent": "text", "job": "text", "recording": "text"},
    ),
    AuditEvent("voice-renamed", "A voice got another name.", {"voice": "text", "to": "text"}),
    AuditEvent("voice-forgotten", "A voice was forgotten.", {"voice": "text"}),
    AuditEvent("identified", "Known voices were looked for in a result.", {"job": "text"}, {"names": "list"}),
    AuditEvent(
        "audit-gap", "Entries could not be written, as many as said.", {"missed": "integer"}, {"reason": "text"}
    ),
    AuditEvent(
        "backup-made",
        "A backup of the platform was made.",
        {"backup": "text"},
        {"files": "integer", "bytes": "integer", "lost": "integer"},
    ),
    AuditEvent(
        "backup-restored",
        "The platform was made again from a backup: what happened after that is not in it.",
        {"backup": "text"},
        {"files": "integer", "bytes": "integer"},
    ),
    AuditEvent("notices-changed", "Somebody changed where and of what they are told.", {"addresses": "integer"}),
    AuditEvent("backup-removed", "A backup was removed, since its time was over.", {"backup": "text"}),
)
"""By name. The trail itself adds ``audit-repaired`` and ``audit-pruned``."""

KEPT_BY_THE_CHAIN: Mapping[str, str] = MappingProxyType(
    {
        "audit-repaired": "The end of the file was torn, by a crash or a full disk, and so many bytes were cut off.",
        "audit-pruned": "The oldest file was removed; it ended with the entry and hash that are said.",
    }
)
"""Events that the trail writes about itself."""


def name_of(schema_id: str) -> str:
    """The short name of an event, of JupyterHub's own too.

    >>> name_of("urn:speaksep:audit:upload")
    'upload'
    """
    return "server" if schema_id == HUB_SERVER_ACTION else schema_id.removeprefix(ID_PREFIX)
