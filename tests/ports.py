"""Ports for what tests start, which nobody else gets meanwhile."""

from __future__ import annotations

import random
import socket

NOT_GIVEN_OUT = (20_000, 32_000)
"""Ports that Linux and macOS give to nobody who does not ask for one."""
_RESERVED: list[socket.socket] = []
"""UDP sockets of the same numbers, which no broker needs: other processes of tests find them."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, and that no connection begins at by itself.

    They stay this process's until it ends, also while the broker that listens there is away.

    A client that tries again and again to reach a port which is given out to connections gets,
    some day, that very port as its own, and then nobody can listen there any more.
    """
    draw = random.Random()
    found: list[int] = []
    while len(found) < count:
        port = draw.randrange(*NOT_GIVEN_OUT)
        mark = socket.socket(type=socket.SOCK_DGRAM)
        try:
            mark.bind(("127.0.0.1", port))
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _RESERVED.append(mark)
        found.append(port)
    return found
