"""Thousands of seeded interleavings of everything that can happen to a fan-out, without a socket.

`FANOUT_SEED=123 pytest tests/server/test_fanout_simulation.py` runs one seed again.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from gateway.server import fanout, stream
from gateway.server.stream import Selection
from tests.server.fanout_world import World

DEVICES = ["a", "b", "c.x", "c.y", "c.z"]
POINTS = ["t1", "t2", "h", "odd"]


def selections(random: Random) -> list[Selection]:
    return list(
        {
            Selection(
                devices=random.choice((("*",), ("*",), ("a",), ("c.*",), ("b", "c.?"), ("nobody",))),
                points=random.choice((("*",), ("*",), ("t*",), ("h", "t1"), ("none",))),
                readable=random.choice((("*",), ("*",), ("a", "c*"))),
                mode=random.choice(("all", "all", "latest")),
                max_rate=random.choice((0.0, 0.0, 0.0, 20.0, 0.5)),
            ): None
            for _ in range(random.randint(1, 6))
        }
    )


def one_step(world: World, random: Random) -> None:
    client = random.choice(world.clients)
    connection = client.connection
    dice = random.random()
    if connection.closed is not None:
        world.reconnect(client)
    elif dice < 0.35:
        for _ in range(random.choice((1, 1, 3, 10, 50))):
            world.publish(random.choice(DEVICES), random.sample(POINTS, random.randint(1, 3)))
    elif dice < 0.60:
        world.clock.advance(random.choice((0.0, 0.001, 0.03, 0.03, 0.3, 2.0)))
    elif dice < 0.68:
        world.subscribe(client, random.choice(world.selections), since(world, random))
    elif dice < 0.71 and connection.subscribers:
        world.unsubscribe(client, random.choice(list(connection.subscribers)))
    elif dice < 0.78:
        connection.stall()
    elif dice < 0.86:
        if random.random() < 0.5:
            connection.drain(random.randint(1, 5000))
        else:
            connection.flow()
    elif dice < 0.91:
        world.reconnect(client)
    elif dice < 0.95:
        world.change(random.choice(DEVICES))
    elif dice < 0.97:
        world.remove(random.choice(DEVICES))
    elif dice < 0.98:
        world.log.forget_old()
    elif dice < 0.985:
        world.clock.advance(40.0)
    elif dice < 0.99:
        world.settle()


def since(world: World, random: Random) -> str | None:
    """No cursor, one of any client's subscriptions, one of another log, or none at all."""
    cursors = [held.cursor for client in world.clients for held in client.held.values() if held.state == "live"]
    return random.choice([None, None, None, "feedfeed-1f", "", *cursors[:4]])


def simulate(seed: int, patch: pytest.MonkeyPatch) -> World:
    random = Random(seed)
    # Small marks make everything happen within a few dozen readings.
    patch.setattr(fanout, "HIGH_WATER", random.choice((500, 3000, 65536)))
    patch.setattr(fanout, "LOW_WATER", random.choice((0, 400)))
    patch.setattr(fanout, "_SCAN", random.choice((3, 17, 2048)))
    patch.setattr(stream, "_MAX_FRAME", random.choice((300, 2000, 65536)))
    patch.setattr(stream, "_FOLD_AT", random.choice((4, 4096)))
    try:
        world = World(random, selections(random))
        for _ in range(random.choice((40, 120, 250))):
            one_step(world, random)
        world.settle()
        world.end()
    except Exception as error:
        error.add_note(f"seed {seed}: FANOUT_SEED={seed} runs it again")
        raise
    return world


def simulate_all(seeds: range, patch: pytest.MonkeyPatch) -> None:
    one = os.environ.get("FANOUT_SEED")
    worlds = [simulate(seed, patch) for seed in (seeds if one is None else [int(one)])]
    if one is None:  # the schedules reach what they are here for
        assert sum(world.resumes for world in worlds) > len(seeds)
        assert sum(world.gaps for world in worlds) > len(seeds) / 10
        assert any(world.closes for world in worlds)


def test_every_client_gets_every_reading_once_or_is_told_of_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_all(range(150), monkeypatch)


@pytest.mark.long
def test_every_client_gets_every_reading_once_or_is_told_of_the_gap_in_many_more_schedules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulate_all(range(10_000, 20_000), monkeypatch)
