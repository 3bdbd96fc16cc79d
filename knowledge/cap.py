"""Reading alerts of the Common Alerting Protocol (OASIS, CAP 1.2, 2010), as IPAWS and the National Weather Service send them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from knowledge.safe_xml import Element, read_xml
from server.errors import BadInput, TooLarge

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
DEFAULT_LANGUAGE: Final = "en-US"
"""What an info block without a language is in, by the standard."""
_REQUIRED: Final = ("identifier", "sender", "sent", "status", "msgType", "scope")
MAX_REFERENCES: Final = 500
MAX_NAME: Final = 300
"""Longer than any sender, identifier or time that a warning system makes."""
_KINDS: Final = ("Alert", "Update", "Cancel", "Ack", "Error")

Kind = Literal["Alert", "Update", "Cancel", "Ack", "Error"]


@dataclass(frozen=True)
class CapReference:
    """An alert as others refer to it."""

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


@dataclass(frozen=True)
class CapArea:
    """One area: its description, and its codes as `(system, code)`."""

    description: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CapInfo:
    """What an alert says in one language. Texts are as sent; what is missing is empty."""

    language: str
    event: str
    categories: tuple[str, ...]
    responses: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    expires: datetime | None
    sender_name: str
    headline: str
    description: str
    instruction: str
    areas: tuple[CapArea, ...]


@dataclass(frozen=True)
class CapAlert:
    """One alert, update or cancellation."""

    reference: CapReference
    kind: Kind
    status: str
    scope: str
    references: tuple[CapReference, ...]
    infos: tuple[CapInfo, ...]

    @property
    def said_publicly(self) -> bool:
        """True when it is real and meant for everybody."""
        return self.status == "Actual" and self.scope == "Public"


def parse_cap(content: bytes) -> CapAlert:
    """The alert in a file. Raises `BadInput` telling what is wrong with it, `TooLarge` past 5 MB."""
    root = read_xml(content)
    if root.name == "feed":
        raise BadInput("This is a list of alerts. Give the address of one alert in it.")
    if (root.name, root.namespace) != ("alert", NAMESPACE):
        raise BadInput(f"This is no alert of CAP 1.2: it begins with {root.name!r} of {root.namespace or 'no namespace'}.")
    missing = [name for name in _REQUIRED if not root.value(name)]
    if missing:
        raise BadInput(f"The alert lacks {', '.join(missing)}, which CAP 1.2 requires.")
    long = [name for name in ("identifier", "sender", "sent") if len(root.value(name)) > MAX_NAME]
    if long:
        raise BadInput(f"The {long[0]} of the alert is longer than {MAX_NAME} characters.")
    return CapAlert(
        reference=CapReference(root.value("sender"), root.value("identifier"), root.value("sent")),
        kind=_kind(root.value("msgType")),
        status=root.value("status"),
        scope=root.value("scope"),
        references=_references(root.value("references")),
        infos=tuple(_info(info) for info in root.all("info")),
    )


def _kind(text: str) -> Kind:
    for kind in _KINDS:
        if text == kind:
            return kind
    raise BadInput(f"msgType is {text!r}; it must be one of {', '.join(_KINDS)}.")


def _references(text: str) -> tuple[CapReference, ...]:
    found = []
    listed = text.split()
    if len(listed) > MAX_REFERENCES:
        raise TooLarge(f"The alert refers to {len(listed)} others; {MAX_REFERENCES} are read at most.")
    for one in listed:
        parts = one.split(",")
        if len(parts) == 3 and all(parts):
            found.append(CapReference(*parts))
    return tuple(found)


def _info(info: Element) -> CapInfo:
    return CapInfo(
        language=info.value("language") or DEFAULT_LANGUAGE,
        event=info.value("event"),
        categories=info.values("category"),
        responses=info.values("responseType"),
        urgency=info.value("urgency") or "Unknown",
        severity=info.value("severity") or "Unknown",
        certainty=info.value("certainty") or "Unknown",
        expires=_moment(info.value("expires")),
        sender_name=info.value("senderName"),
        headline=info.value("headline"),
        description=info.value("description"),
        instruction=info.value("instruction"),
        areas=tuple(
            CapArea(area.value("areaDesc"), tuple((code.value("valueName"), code.value("value")) for code in area.all("geocode")))
            for area in info.all("area")
        ),
    )


def _moment(text: str) -> datetime | None:
    """A time with its zone; one without, which the standard does not allow, could be wrong by hours and counts as missing."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
