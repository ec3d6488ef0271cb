"""What both doors of the server need of ASGI and HTTP: bodies, framing, guards, answers."""
