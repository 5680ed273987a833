"""The composition root: who lives inside whom, in which order they start, and in which they stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

from gateway.adapters import Adapter, AdapterPlugin
from gateway.audit import Audit, NoAudit, restore
from gateway.bus import Devices, Link, Log
from gateway.commands import Commands, Ledger
from gateway.config import AdapterOptions, Config
from gateway.config.models import DeviceSection
from gateway.config.publish import PublishSection
from gateway.northbound import Northbound
from gateway.server import Authenticator, FanOut, Server, Services

_TICK = 0.25  # seconds between looks at silence and staleness
_FORGET_EVERY = 20  # ticks
_LOOK_EVERY = 1.0  # seconds between looks at the list of revoked tokens

logger = logging.getLogger(__name__)


class _Running:
    """An adapter, what it was made from, and the task that runs it."""

    def __init__(self, made_from: object, link: Link, adapter: Adapter, task: asyncio.Task[None]) -> None:
        self.made_from = made_from
        self.link = link
        self.adapter = adapter
        self.task = task


class Gateway:
    """A whole gateway. Create it and run it inside one event loop."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._started_with = config
        self._stopping = False
        self.log = Log(config.log.keep_readings, config.log.keep)
        self.devices = Devices(self.log, config.devices)
        self.audit = _audit(config)
        self.commands = Commands(self.devices, Ledger(self.audit), self.audit)
        self.fanout = FanOut(self.log, self.devices, asyncio.get_running_loop(), config.server.max_delay)
        self.services = Services(
            name=config.gateway.name,
            devices=self.devices,
            commands=self.commands,
            fanout=self.fanout,
            authenticator=Authenticator(config.auth),
            heartbeat=config.server.heartbeat,
            limits=config.server.limits,
            trusted_proxies=config.server.trusted_proxies,
        )
        self.server = Server(self.services, config.server, self._unready)
        self.server.access.on = config.logging.access
        self._adapters: dict[str, _Running] = {}
        self._types = _types(config)
        self._northbound: tuple[Northbound, asyncio.Task[None]] | None = None
        self._group = asyncio.TaskGroup()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serves until cancelled; `ready` is called with the address once it does."""
        known = await asyncio.to_thread(self.audit.open)
        try:
            # Before anyone can ask for a command whose key the process before knew.
            restore(self.commands.ledger, known)
            await self._serve(ready)
        finally:
            await self.audit.close()

    async def _serve(self, ready: Callable[[str], None]) -> None:
        await asyncio.to_thread(self.services.authenticator.revocations.read)
        await self.server.start()
        try:
            async with self._group as group:
                commands = group.create_task(self.commands.run(), name="commands")
                heartbeats = group.create_task(self.server.run(), name="server")
                clock = group.create_task(self._clock(), name="clock")
                watching = group.create_task(self.server.watch(), name="certificates")
                revocations = group.create_task(self._follow_revocations(), name="revocations")
                await asyncio.sleep(0)  # commands are taken from here on
                for options in self._config.adapters:
                    self._start(options)
                self._publish(self._config.publish)
                self._warn_of_clear_text()
                ready(self.server.url)
                try:
                    await asyncio.get_running_loop().create_future()  # until cancelled
                finally:
                    self._stopping = True
                    # Commands first, so that their senders still hear what became of them.
                    await self.commands.stop()
                    await _stop(commands)
                    await asyncio.gather(
                        self.server.close(),
                        self._end_publishing(forget=False),
                        *(_stop(running.task) for running in self._adapters.values()),
                    )
                    await _stop(heartbeats, clock, watching, revocations)
        finally:
            await self.server.close()

    async def reload(self, config: Config) -> None:
        """Takes a new configuration, keeping every adapter and connection whose settings did not change."""
        self._config = config
        self._types = _types(config)
        self.server.access.on = config.logging.access
        # New paths of a certificate are followed; to begin or to end with TLS is another way of listening.
        taken_over = {"tls": self._started_with.server.tls} if self.server.follow(config.server.tls) else {}
        for name, now in {
            "gateway": config.gateway,
            "server": config.server.model_copy(update=taken_over),
            "log": config.log,
            "audit": config.audit,
        }.items():
            if getattr(self._started_with, name) != now:
                logger.warning("the section `%s` changed: that takes a restart", name)
        if config.auth is None and not self._started_with.server.listen.loopback:
            # The file's `listen` may be a loopback address; the one that is listened on is not.
            logger.error("other machines reach the gateway until it restarts: the section `auth` stays as it was")
        else:
            authenticator = self.services.authenticator.renewed(config.auth)
            await asyncio.to_thread(authenticator.revocations.look)
            self.services.authenticator = authenticator
            self.server.sockets.close_revoked()
        self._warn_of_clear_text()
        self.devices.declare(config.devices)
        wanted = {options.id: options for options in config.adapters}
        for id, running in list(self._adapters.items()):
            if id not in wanted or running.made_from != self._made_from(wanted[id]):
                del self._adapters[id]
                self.commands.writers.pop(id, None)
                await _stop(running.task)
                running.link.close()
                logger.info("adapter %s stopped", id)
        for id, options in wanted.items():
            if id not in self._adapters and not self._stopping:
                self._start(options)
                logger.info("adapter %s started", id)
        await self._publish_as(config.publish)

    def _warn_of_clear_text(self) -> None:
        server, auth = self._started_with.server, self._config.auth
        takes_tokens = auth is not None and bool(auth.tokens or auth.jwt)
        # Whoever names a proxy has one, which is where TLS ends then.
        if takes_tokens and not (server.listen.loopback or server.tls or server.trusted_proxies):
            logger.warning(
                "tokens cross the network in clear text to %s: give `server.tls` a certificate, or listen on 127.0.0.1 "
                "with a reverse proxy before it",
                server.listen,
            )

    def _made_from(self, options: AdapterOptions) -> tuple[AdapterOptions, dict[str, DeviceSection]]:
        declared = {d: s for d, s in self._config.devices.items() if d.partition(".")[0] == options.id}
        return options, declared

    def _start(self, options: AdapterOptions) -> None:
        if not isinstance(options, AdapterPlugin):
            raise TypeError(f"adapter plug-in {options.type!r} has no AdapterPlugin as its options")
        links: list[Link] = []

        def factory(**given: object) -> Link:
            link = make(**given)
            links.append(link)
            return link

        make: Callable[..., Link] = partial(
            Link,
            options.id,
            self.devices,
            acknowledge=self.commands.acknowledged,
            lost=self.commands.link_lost,
            is_ours=self._is_ours,
        )
        adapter = options.build(factory, self._started_with.gateway.name)
        self.commands.writers[options.id] = adapter
        task = self._group.create_task(adapter.run(), name=f"adapter:{options.id}")
        self._adapters[options.id] = _Running(self._made_from(options), links[0], adapter, task)

    def _publish(self, section: PublishSection | None, before: Iterable[str] = ()) -> None:
        """Publishes the devices northbound, where that is configured; `before` are topics that are to be cleared."""
        if section is None or self._stopping:
            return
        northbound = Northbound(
            section,
            self._started_with.gateway.name,
            self.log,
            self.devices,
            self.commands,
            adapters=lambda: self._types,
            before=before,
        )
        self._northbound = northbound, self._group.create_task(northbound.run(), name="northbound")

    async def _publish_as(self, section: PublishSection | None) -> None:
        """Publishes by another configuration from now on."""
        running = self._northbound[0] if self._northbound is not None else None
        if self._stopping or (running.section if running is not None else None) == section:
            return
        stays = running is not None and section is not None and running.section.url == section.url
        await self._end_publishing(forget=None if stays else True)
        self._publish(section, running.retained() if running is not None and stays else ())

    def _is_ours(self, topic: str) -> bool:
        return self._northbound is not None and self._northbound[0].ours.has(topic)

    async def _end_publishing(self, *, forget: bool | None) -> None:
        """Says goodbye, and ends; with None, another goes on in its place and nothing is said."""
        if self._northbound is not None:
            northbound, task = self._northbound
            if forget is not None:
                await northbound.goodbye(forget=forget)
            await _stop(task)
            self._northbound = None

    def _unready(self) -> str | None:
        for id, running in self._adapters.items():
            if not running.link.is_up:
                return f"adapter {id}: {running.link.reason or 'not connected yet'}"
        return self.audit.reason and f"commands cannot be recorded: {self.audit.reason}"

    async def _follow_revocations(self) -> None:
        """Ends connections whose token is revoked while they last."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            authenticator = self.services.authenticator
            if authenticator.takes_signed and await asyncio.to_thread(authenticator.revocations.look):
                self.server.sockets.close_revoked()

    async def _clock(self) -> None:
        """The bus's clock: silence, staleness, what was held back, retention."""
        ticks = 0
        while True:
            await asyncio.sleep(_TICK)
            ticks += 1
            for running in self._adapters.values():
                running.link.judge_silence()
            self.devices.tick()
            self.commands.tick()
            if ticks % _FORGET_EVERY == 0:
                self.log.forget_old()
                self.commands.ledger.forget_old()


def _types(config: Config) -> dict[str, str]:
    """The type of each adapter, by its id."""
    return {options.id: options.type for options in config.adapters}


def _audit(config: Config) -> Audit | NoAudit:
    section = config.audit
    return Audit(section.file(), section.keep, section.max_bytes) if section.enabled else NoAudit()


async def _stop(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits until they have ended."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        # Once is not always enough: `asyncio.wait_for` of Python 3.11, which aiomqtt uses, can swallow a cancellation.
        _, pending = await asyncio.wait(pending, timeout=0.5)
