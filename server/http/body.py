"""The body of a request, read no further than anybody has reason to send."""

from __future__ import annotations

from starlette.requests import Request

from server.errors import TooLarge


async def read_body(request: Request, *, most: int) -> bytes:
    """The whole body. Raises `TooLarge` at the first byte over `most`, and `ClientDisconnect` when the sender goes away."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge("This is too long.")
    return bytes(body)
