"""Reading XML that a stranger wrote: no document type, no entities of its own, no depth and no size without an end.

A document that declares a type is refused before anything in it is expanded, which is what entity bombs and external entities
(CWE-776, CWE-611) need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from server.errors import BadInput, TooLarge

MAX_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 50_000


@dataclass
class Element:
    """One element: `name` without its namespace, and the text directly in it."""

    name: str
    namespace: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """Its children of a name, in the same namespace."""
        return (child for child in self.children if (child.name, child.namespace) == (name, self.namespace))

    def value(self, name: str) -> str:
        """The text of its first child of a name, without the white space around; empty when there is none."""
        return next((child.text.strip() for child in self.all(name)), "")

    def values(self, name: str) -> tuple[str, ...]:
        """The texts of its children of a name that are not empty."""
        return tuple(text for text in (child.text.strip() for child in self.all(name)) if text)


def read_xml(content: bytes) -> Element:
    """The root of a document. Raises `TooLarge`, or `BadInput` naming the line that cannot be read."""
    if len(content) > MAX_BYTES:
        raise TooLarge("The file is larger than 5 MB.")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.words
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        raise BadInput(f"line {line}: this is not well-formed XML.") from error
    if builder.root is None:
        raise BadInput("line 1: this is not well-formed XML.")
    return builder.root


def _refuse(*_: object) -> None:
    raise BadInput("The file declares a document type or entities. Alerts have none, so it is not read.")


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, _attributes: object) -> None:
        namespace, _, local = name.rpartition("\n")
        element = Element(local, namespace)
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise TooLarge("The file holds more elements than an alert can have.")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def words(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text
