"""What a recording is played through: an adapter of a configuration, and the real bus behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.adapters import AdapterPlugin
from gateway.adapters.mqtt import MqttOptions
from gateway.adapters.serial import SerialOptions
from gateway.audit import NoAudit
from gateway.bus import Devices, Link, Log
from gateway.cli.replay.wires import Player, ReplayedBroker, ReplayedPort
from gateway.commands import Commands, Ledger
from gateway.config import Config
from gateway.config.models import Listen
from gateway.config.recording import AuditSection
from gateway.errors import FieldgateError
from gateway.recordings import Source

_KINDS: dict[Source, type[AdapterPlugin]] = {"serial": SerialOptions, "mqtt": MqttOptions}
_TICK = 0.25  # seconds between looks at silence, staleness, and what was held back


class UnfitError(FieldgateError):
    """A configuration by which this recording cannot be replayed."""


def adapter_for(config: Config, wanted: str | None, source: Source) -> AdapterPlugin:
    """The adapter to replay through: the one wanted, or the only one of its kind; raises UnfitError."""
    kind = _KINDS[source]
    fitting = [options for options in config.adapters if isinstance(options, kind)]
    if wanted is not None:
        named = next((options for options in config.adapters if options.id == wanted), None)
        if named is None:
            known = ", ".join(options.id for options in config.adapters) or "none"
            raise UnfitError(f"there is no adapter {wanted!r}: there are {known}")
        if not isinstance(named, kind):
            raise UnfitError(f"the adapter {wanted} is of type {named.type}, and the recording of type {source}")
        return named
    if len(fitting) != 1:
        which = ", ".join(options.id for options in fitting)
        raise UnfitError(f"say --adapter, one of {which}" if which else f"there is no adapter of type {source}")
    return fitting[0]


def replayed(config: Config, options: AdapterPlugin, player: Player, listen: Listen | None) -> Config:
    """The configuration with this adapter alone, at the recording, and nothing that outlives the replay."""
    adapter: AdapterPlugin
    if isinstance(options, SerialOptions):
        adapter = ReplayedPort.of(options, player)
    elif isinstance(options, MqttOptions):
        adapter = ReplayedBroker.of(options, player)
    else:
        raise UnfitError(f"an adapter of type {options.type} cannot be replayed")
    own = {id: section for id, section in config.devices.items() if id.partition(".")[0] == options.id}
    changed: dict[str, Any] = {"adapters": (adapter,), "devices": own, "audit": AuditSection(enabled=False)}
    changed["publish"] = None  # others must not take it for what is
    if listen is not None:
        changed["server"] = config.server.model_copy(update={"listen": listen})
    return config.model_copy(update=changed)


class Bench:
    """The bus and one adapter, without a server."""

    def __init__(self, config: Config) -> None:
        (options,) = config.adapters
        if not isinstance(options, AdapterPlugin):
            raise TypeError(f"adapter plug-in {options.type!r} has no AdapterPlugin as its options")
        self.log = Log(config.log.keep_readings, config.log.keep)
        self.devices = Devices(self.log, config.devices)
        commands = Commands(self.devices, Ledger(NoAudit()), NoAudit())
        make: Callable[..., Link] = partial(
            Link, options.id, self.devices, acknowledge=commands.acknowledged, lost=commands.link_lost
        )
        self._links: list[Link] = []

        def factory(**given: Any) -> Link:
            self._links.append(make(**given))
            return self._links[-1]

        self._adapter = options.build(factory, config.gateway.name)

    async def run(self, ready: Callable[[str], None]) -> None:
        """Runs until cancelled; nothing is served, so `ready` is not called."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._adapter.run(), name="adapter")
            group.create_task(self._clock(), name="clock")

    async def _clock(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            for link in self._links:
                link.judge_silence()
            self.devices.tick()
            self.log.forget_old()
