"""The rows of a replay: what a file holds, how a row arrives, and the line that each turn becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.conversations.turn import Channel, Inbound, Kind, Reply
from server.errors import BadInput


@dataclass(frozen=True)
class Row:
    """One conversation of the input: its id, what is said in it turn by turn, and how it arrives."""

    id: str
    turns: tuple[str, ...]
    several: bool
    language: str | None
    channel: Channel


def inbound_of(row: Row, text: str, number: int, turn: int) -> Inbound:
    """The inbound message of one turn of a row."""
    kind: Kind = "text"
    if row.channel is Channel.IVR:
        kind = "keys" if text.strip().isdigit() and len(text.strip()) <= 3 else "speech" if text.strip() else "silence"
    return Inbound(
        channel=row.channel,
        claim=f"replay:{number}:{turn}",
        key=f"replay:{number}",
        text=text,
        kind=kind,
        person=f"replay-{number}",
        our_address="replay",
        language=row.language,
    )


def line_of(identity: str, reply: Reply, elapsed_ms: float) -> dict[str, Any]:
    """One line of the output, as DESIGN promises it to the tools that read it."""
    return {
        "id": identity,
        "outcome": reply.outcome.value,
        "topic": reply.topic,
        "topics": list(reply.topics),
        "safety_line": reply.safety_line,
        "category": reply.category,
        "message_ids": [part.reference for part in reply.parts],
        "lang": reply.language,
        "text": reply.text,
        "elapsed_ms": round(elapsed_ms, 2),
    }


def read_rows(source: Path) -> Iterator[Row]:
    """The rows of a TSV or JSONL file. Raises `BadInput` naming the line that cannot be read."""
    if not source.is_file():
        raise BadInput(f"There is no file {source}.")
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{source} is not UTF-8 text (byte {error.start}).") from error
    # Only newlines end a line: a message may hold other separators that str.splitlines would break at.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    first = next((line for line in lines if line.strip()), "")
    records = _json_records(source, lines) if first.lstrip().startswith("{") else _tsv_records(source, lines)
    for number, record in records:
        yield _row(source, number, record)


def _json_records(source: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{source}:{number}: not JSON ({error.msg}).") from error
        if not isinstance(record, dict):
            raise BadInput(f"{source}:{number}: each line must be an object with id and text.")
        yield number, record


def _tsv_records(source: Path, lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    # A tab is all that separates: quotes and every other character belong to the message.
    header = [name.strip() for name in lines[0].split("\t")]
    if "text" not in header and "turns" not in header:
        raise BadInput(f"{source}: the first line must name the columns, among them `text`.")
    for number, line in enumerate(lines[1:], 2):
        if line:
            yield number, dict(zip(header, line.split("\t"), strict=False))


def _row(source: Path, number: int, record: dict[str, Any]) -> Row:
    turns = record.get("turns")
    if isinstance(turns, str):
        try:
            turns = json.loads(turns) if turns.startswith("[") else [turns]
        except json.JSONDecodeError as error:
            raise BadInput(f"{source}:{number}: `turns` is not a list in JSON ({error.msg}).") from error
    several = turns is not None
    said = turns if several else [record.get("text")]
    if not isinstance(said, list) or not all(isinstance(text, str) for text in said):
        raise BadInput(f"{source}:{number}: `text` must be text, or `turns` a list of texts.")
    channel = str(record.get("channel") or "sms")
    if channel not in tuple(Channel):
        raise BadInput(f"{source}:{number}: the channel must be sms, web or ivr, not {channel!r}.")
    language = str(record.get("lang") or "") or None
    return Row(str(record.get("id") or number), tuple(said), several, language, Channel(channel))
