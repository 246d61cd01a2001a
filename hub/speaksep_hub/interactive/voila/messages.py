"""What may be said to a kernel: messages of its widgets, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from speaksep_hub.interactive.trail import refused

CONTROL = "jupyter.widget.control"
"""The one target that a page opens itself, to ask for the state of all widgets."""
ALLOWED = {
    "shell": frozenset({"comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"}),
    "control": frozenset({"kernel_info_request", "shutdown_request"}),
}
LARGEST_BYTES = 1 << 20
MOST_PARTS = 64
"""Of a message: five, and its buffers."""


_Connection: Any = ZMQChannelsWebsocketConnection
_parts_of: Any = deserialize_msg_from_ws_v1


class WidgetMessages(_Connection):  # type: ignore[misc] # it has no types
    """The way from a page to its kernel. What is not allowed is written into the audit trail and goes no further."""

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Look at a message, then hand it on."""
        try:
            why = self._refusal(incoming_msg)
        except Exception as error:  # whatever a stranger sent, of any form
            why = f"a message that is none ({type(error).__name__})"
        if why:
            refused(self.websocket_handler, why)
            return
        super().handle_incoming_message(incoming_msg)

    def _refusal(self, message: Any) -> str:
        if len(message) > LARGEST_BYTES:
            return f"a message of {len(message)} bytes"
        channel, kind, content = self._read(message)
        if kind not in ALLOWED.get(channel, ()):
            return f"{kind[:60]} on {channel[:20]}"
        target = content().get("target_name")
        return f"comm_open to {str(target)[:60]}" if kind == "comm_open" and target != CONTROL else ""

    def _read(self, message: Any) -> tuple[str, str, Any]:
        """Channel, type, and what reads the content."""
        if self.subprotocol == "v1.kernel.websocket.jupyter.org":
            if int.from_bytes(message[:8], "little") > MOST_PARTS:  # so many would be read, however short it is
                raise ValueError("too many parts")
            channel, parts = _parts_of(message)
            return str(channel), str(self.session.unpack(parts[0])["msg_type"]), lambda: self.session.unpack(parts[3])
        told = json.loads(message)  # of the older protocol without buffers, which pages do not send
        return str(told.get("channel") or "shell"), str(told["header"]["msg_type"]), lambda: told["content"]
