"""Free ports on the loopback address."""

import random
import socket


def free_port() -> int:
    """A loopback port that is free now and that the kernel hands to nobody in between.

    The kernel takes the near ends of outgoing connections from its ephemeral range; a port below that range stays
    free while a part is down and comes back.
    """
    for _ in range(1000):
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 32000")
