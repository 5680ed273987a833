"""What clients may ask, as strict models; members that are not known are ignored."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.commands import Asked
from gateway.errors import RequestError
from gateway.model import Confirm, Value
from gateway.server.stream import Mode

_MAX_STARS = 8  # of a glob: each makes it dearer to compile


def _cheap(glob: str) -> str:
    if glob.count("*") > _MAX_STARS:
        raise ValueError(f"a glob has at most {_MAX_STARS} `*`")
    return glob


Glob = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_cheap)]
Globs = Annotated[list[Glob], Field(min_length=1, max_length=64)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


class AuthRequest(_Request):
    """`auth`"""

    token: Annotated[str, StringConstraints(max_length=8192)]


class SubscribeRequest(_Request):
    """`subscribe`"""

    devices: Globs
    points: Globs = ["*"]
    mode: Mode = "all"
    max_rate: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    since: Annotated[str, StringConstraints(max_length=64)] | None = None


class UnsubscribeRequest(_Request):
    """`unsubscribe`"""

    sub: str


class CommandBody(_Request):
    """A command without its device, as the HTTP API takes it."""

    point: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    value: Value = None
    key: Key | None = None
    ttl: Annotated[float, Field(gt=0, le=60)] = 5.0
    confirm: Confirm | None = None
    lease: Annotated[float, Field(ge=1, le=3600)] | None = None
    dry_run: bool = False

    def asked(self, device: str) -> Asked:
        """What it asks of a device."""
        return Asked(device, self.point, self.value, self.key, self.ttl, self.confirm, self.lease)


class CommandRequest(CommandBody):
    """`command`"""

    device: Annotated[str, StringConstraints(min_length=1, max_length=129)]


class CancelRequest(_Request):
    """`cancel`"""

    key: Key


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], members: dict[str, Any]) -> Model:
    """The request; raises `bad_request` naming the first member that is wrong."""
    try:
        return model.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # Of a union only the member is worth naming, not which of its kinds failed.
        where = ".".join(str(part) for i, part in enumerate(first["loc"]) if i == 0 or isinstance(part, int))
        raise RequestError("bad_request", f"{where}: {first['msg'].lower()}") from error
