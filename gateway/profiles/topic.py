"""The base topic of a dialect, as configured."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError


def _plain(topic: str) -> str:
    if set("+#\0") & set(topic) or "" in topic.split("/") or topic.startswith("$"):
        raise PydanticCustomError("topic", "expected a topic such as home/zigbee, without + and #")
    return topic


# One level or several, which everything of the dialect stands below.
BaseTopic = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_plain)]
