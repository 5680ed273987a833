"""A simulated device as such: it makes readings and obeys commands, and knows no wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from device_sims.actuations import Actuation
from device_sims.faults import Faults
from device_sims.kinds import Kind, RefusedError, Value
from device_sims.signals import derive


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a wire delivered it; `id` is None where the sender wants no acknowledgement.

    A `bare` one has a text for its value, whatever the point's type. `node` is the device that it names, where it does.
    """

    point: object
    value: object
    id: object = None
    bare: bool = False
    node: object = None


@dataclass(frozen=True, slots=True)
class Poll:
    """A wire's request for a reading; `node` is the device that it names, where it does."""

    node: object = None


class SimulatedDevice:
    """One device of a kind.

    `interval` is the time between readings in seconds: reading number n measures its signals at n · interval, so that a
    seed and an interval give the same readings however late they are sent.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        seed: int,
        interval: float,
        record: Callable[[Actuation], None],
        stamp: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.sequence = 0
        self.state: dict[str, Value] = {}
        self.restart()
        self._interval = interval
        self._record = record
        self._stamp = stamp
        own = derive(seed, name)
        self._sensors = [(point, sensor, sensor.signal(own)) for point, sensor in kind.sensors.items()]

    def restart(self) -> None:
        """Starts anew: counts readings from 1 again, with its actuators as they were at first."""
        self.sequence = 0
        self.state = {point: actuator.initial for point, actuator in self.kind.actuators.items()}

    def reading(self) -> dict[str, Value]:
        """The next reading: sensors, actuators, and `sequence`, which counts readings from 1 so that holes show."""
        self.sequence += 1
        t = self.sequence * self._interval
        values: dict[str, Value] = {}
        for point, sensor, signal in self._sensors:
            measured = signal.at(t) if sensor.needs is None or self.state[sensor.needs] else 0.0
            values[point] = round(measured, sensor.decimals) if sensor.decimals else round(measured)
        values.update(self.state)
        values["sequence"] = self.sequence
        if self._stamp:
            values["time"] = time.time()
        return values

    def act(self, command: Command) -> None:
        """Obeys and records it; `RefusedError` for a point that is not there or a value that it cannot take.

        A command that comes twice is obeyed and recorded twice: whoever sent it twice shall be seen to have done so.
        """
        point = command.point
        if not isinstance(point, str):
            raise RefusedError("the command names no point")
        actuator = self.kind.actuators.get(point)
        if actuator is None:
            raise RefusedError(f"{point} is {'not writable' if point in self.kind.sensors else 'unknown'}")
        bare = command.bare and isinstance(command.value, str)
        value = actuator.accept(point, actuator.read(str(command.value).strip()) if bare else command.value)
        self.state[point] = value
        self._record(Actuation(command.id, self.name, point, value, time.monotonic()))

    def obey(self, command: Command, faults: Faults) -> str | None:
        """Obeys unless a fault refuses; the error to answer with, or None."""
        error = faults.refuses()
        if error is None:
            try:
                self.act(command)
            except RefusedError as refusal:
                error = str(refusal)
        return error
