"""The socket to the host."""

from __future__ import annotations

import fcntl
import os
import socket

_STREAMS = 3


def take(stream: int) -> socket.socket:
    """The socket that the host gave as standard stream number ``stream``, which is /dev/null from
    now on.

    It gets a number of this process's own. The number that it has in the host may be one that this
    process needs: a host with a hundred files open has given it that of the engine's binary.
    """
    control = socket.socket(fileno=fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, _STREAMS))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, stream)
    os.close(null)
    return control
