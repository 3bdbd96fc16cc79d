"""The routes that Twilio calls: refusals with a constant body, and answers in XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any, Final
from xml.etree.ElementTree import Element, tostring

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from server.errors import SpillwayError

_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TwilioRoute(APIRoute):
    """A route whose refusals are a status and a constant text, whatever the app around it does with errors."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with our own errors turned into responses."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except SpillwayError as error:
                return PlainTextResponse(error.safe_text, status_code=error.status)

        return handle


def xml_text(text: str) -> str:
    """A text without the characters that no XML document may hold."""
    return _NOT_XML.sub(" ", text)


def twiml(document: object) -> Response:
    """A TwiML document as a response; `document` is one of the SDK's builders or an element."""
    body = tostring(document, encoding="unicode") if isinstance(document, Element) else str(document)
    return Response(body, media_type="application/xml")
