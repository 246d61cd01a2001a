"""What sections of settings are made of: unknown names are refused, and a secret may be in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

FILE = "file:"


class Section(BaseModel):
    """A table of the file; its values do not change once they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _from_file(value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith(FILE)):
        return value
    path = Path(value.removeprefix(FILE)).expanduser()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text


Secret = Annotated[SecretStr, BeforeValidator(_from_file)]
"""A secret: itself, or ``file:`` and the path of a file that holds nothing else. Never printed."""
