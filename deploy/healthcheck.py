"""Exits with 0 when the server of this container answers; the image's HEALTHCHECK runs it.

With ``/readyz`` as its argument it asks whether runs would work now: a worker is at hand and the
store answers. It needs no key, and the standard library only.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys

_SECONDS = 4


def main(path: str = "/healthz") -> int:
    """Ask on the loopback address, where the certificate's name says nothing."""
    port = int(os.environ.get("ONEHOP_PORT", "3001"))
    connection: http.client.HTTPConnection
    if os.environ.get("ONEHOP_TLS_CERT"):
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            port,
            timeout=_SECONDS,
            context=ssl._create_unverified_context(),  # noqa: S323 - it asks itself
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{path}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{path}: {status}\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
