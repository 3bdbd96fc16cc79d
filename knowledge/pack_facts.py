"""The facts of a pack: a table for each type, and the status lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from knowledge.fact_rows import OWN, Moment, at, data_of, read_moment, unguard
from knowledge.facts import STATUS, STATUS_LINES, checked_data
from knowledge.records import Fact
from knowledge.topics import Line, Name
from knowledge.yaml_files import explain, read_yaml
from server.errors import BadInput

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)]


@dataclass(frozen=True)
class PackFact:
    """A fact of a pack. The times of a sample city are counted from the moment of loading, so that it is always fresh; those of an
    exported city are fixed, so that loading it makes nothing look newer than it is."""

    type: str
    key: str
    data: Mapping[str, Any]
    as_of: Moment
    expires: Moment
    source: str
    owner: str
    visibility: str
    position: int

    @property
    def fixed(self) -> bool:
        """True when its times do not depend on when it is loaded."""
        return isinstance(self.as_of, datetime) and isinstance(self.expires, datetime)


def fact_at(fact: PackFact, now: datetime) -> Fact:
    """A fact of a pack loaded at `now`."""
    return Fact(
        type=fact.type,
        key=fact.key,
        data=fact.data,
        as_of=at(fact.as_of, now),
        expires_at=at(fact.expires, now),
        source=fact.source,
        owner=fact.owner,
        public=fact.visibility == "public",
        position=fact.position,
    )


class _Own(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Line
    owner: Name
    as_of: str = "-30m"
    expires: str = "+7d"


class _Status(_Own):
    en: Line
    es: Line


class _Row(_Own):
    """What a line of a table says besides its data."""

    key: Key
    visibility: Literal["public", "agents_only"] = "public"


def read_facts(folder: Path) -> Iterator[PackFact]:
    """The facts in a pack's folder. Raises `BadInput` naming the file, the line and what to do."""
    for path in sorted((folder / "facts").glob("*.csv")):
        yield from _table(path)
    if (folder / "status.yml").exists():
        yield from _status(folder / "status.yml")


def _table(path: Path) -> Iterator[PackFact]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for position, row in enumerate(csv.DictReader(file)):
            where = f"{path.name}: line {position + 2}"
            if None in row:
                raise BadInput(f"{where}: has more cells than the first line. Put quotes around cells that hold a comma.")
            cells = {name: unguard(text.strip()) for name, text in row.items() if text and text.strip()}
            own = {name: cells.pop(name) for name in OWN if name in cells}
            try:
                parsed = _Row.model_validate(own)
            except ValidationError as error:
                raise BadInput(explain(error, file=where)) from error
            yield PackFact(
                type=path.stem,
                key=parsed.key,
                data=checked_data(path.stem, data_of(cells), where=where),
                as_of=moment(parsed.as_of, where),
                expires=moment(parsed.expires, where),
                source=parsed.source,
                owner=parsed.owner,
                visibility=parsed.visibility,
                position=position,
            )


def _status(path: Path) -> Iterator[PackFact]:
    for position, (name, value) in enumerate((read_yaml(path) or {}).items()):
        where = f"{path.name}: {name}"
        if name not in STATUS_LINES:
            raise BadInput(f"{where}: is no status line. docs/topics.md lists them.")
        try:
            parsed = _Status.model_validate(value)
        except ValidationError as error:
            raise BadInput(explain(error, file=where)) from error
        yield PackFact(
            type=STATUS,
            key=name,
            data=checked_data(STATUS, {"text": {"en": parsed.en, "es": parsed.es}}, where=where),
            as_of=moment(parsed.as_of, where),
            expires=moment(parsed.expires, where),
            source=parsed.source,
            owner=parsed.owner,
            visibility="public",
            position=position,
        )


def moment(text: str, where: str) -> Moment:
    """A time of a pack. Raises `BadInput` showing how to write it."""
    try:
        return read_moment(text)
    except ValueError as error:
        raise BadInput(
            f"{where}: {text!r} is no time. Write -20m, -3h, +12h or +7d, counted from the moment of loading, "
            "or a fixed time such as 2026-09-14T19:40:00+00:00."
        ) from error
