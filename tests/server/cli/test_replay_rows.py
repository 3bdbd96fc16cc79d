"""The files that `spillway replay` takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.replay_rows import Row, inbound_of, read_rows
from server.conversations.turn import Channel
from server.errors import BadInput


def rows_of(tmp_path: Path, text: str | bytes, name: str = "in.tsv") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_rows(path))


def test_tab_separated(tmp_path: Path) -> None:
    found = rows_of(tmp_path, "id\ttext\tlang\tchannel\na\twhere is a shelter\ten\tsms\nb\t¿y mascotas?\tes\tweb\nc\t\t\tivr\n")
    assert found == [
        Row("a", ("where is a shelter",), False, "en", Channel.SMS),
        Row("b", ("¿y mascotas?",), False, "es", Channel.WEB),
        Row("c", ("",), False, None, Channel.IVR),
    ]


def test_columns_in_another_order_unknown_ones_and_missing_ones(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, "category\ttext\tid\nC01\thelp\tx9")
    assert (row.id, row.turns, row.channel) == ("x9", ("help",), Channel.SMS)
    assert [row.id for row in rows_of(tmp_path, "text\none\ntwo\n")] == ["2", "3"]


def test_json_lines(tmp_path: Path) -> None:
    lines = [{"id": 7, "turns": ["a", "b"], "lang": "es"}, {"id": "x", "text": "", "channel": "ivr"}, {"id": "one", "turns": ["a"]}]
    found = rows_of(tmp_path, "\n\n".join(json.dumps(line) for line in lines))
    assert [(row.id, row.turns, row.several) for row in found] == [
        ("7", ("a", "b"), True),
        ("x", ("",), False),
        ("one", ("a",), True),
    ]


def test_turns_in_a_column(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, 'id\tturns\na\t["where is a shelter", "and pets?"]\n')
    assert (row.turns, row.several) == (("where is a shelter", "and pets?"), True)


@pytest.mark.parametrize(
    "odd",
    ["a\u2028b", "a\x0bb", "a\x0cb", "a\x1eb", "a\x85b", "a\rb", 'he said "help', "'", "a\x00b", "a,b;c", "x" * 200_000, "🌊"],
)
def test_what_is_inside_a_message_ends_no_line(tmp_path: Path, odd: str) -> None:
    assert [row.turns for row in rows_of(tmp_path, f"id\ttext\na\t{odd}\nb\tnext\n")] == [(odd,), ("next",)]
    line = json.dumps({"id": "a", "text": odd}, ensure_ascii=False)
    assert [row.turns for row in rows_of(tmp_path, f"{line}\n{line}")] == [(odd,), (odd,)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_from_another_system(tmp_path: Path, newline: str) -> None:
    found = rows_of(tmp_path, b"\xef\xbb\xbf" + newline.join(["id\ttext", "a\thello", ""]).encode())
    assert [(row.id, row.turns) for row in found] == [("a", ("hello",))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\tmessage\na\tb\n", "first line"),
        ("", "first line"),
        ('{"id": 1, "text": "a"}\n{"id": 2, "text": \n', "in.tsv:2: not JSON"),
        ('{"id": 1, "text": "a"}\n[1]\n', "in.tsv:2: each line must be an object"),
        ('{"id": 1, "text": 5}\n', "in.tsv:1: `text` must be text"),
        ('{"id": 1}\n', "in.tsv:1: `text` must be text"),
        ('{"id": 1, "turns": ["a", 5]}\n', "in.tsv:1: `text` must be text"),
        ('{"id": 1, "turns": {"a": 5}}\n', "in.tsv:1: `text` must be text"),
        ('id\tturns\na\t["x\n', "in.tsv:2: `turns` is not a list"),
        ("id\ttext\tchannel\na\tb\tsms\nc\td\tfax\n", "in.tsv:3: the channel must be"),
        (b"id\ttext\na\t\xff\xfe\n", "not UTF-8 text (byte 10)"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(BadInput) as error:
        rows_of(tmp_path, text)
    assert said in error.value.safe_text


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        list(read_rows(tmp_path / "none.tsv"))


@pytest.mark.parametrize(
    ("channel", "text", "kind"), [("ivr", "2", "keys"), ("ivr", "", "silence"), ("ivr", "where", "speech"), ("sms", "2", "text")]
)
def test_how_a_turn_arrives(channel: str, text: str, kind: str) -> None:
    inbound = inbound_of(Row("a", (text,), False, None, Channel(channel)), text, 3, 1)
    assert (inbound.kind, inbound.language, inbound.claim, inbound.key) == (kind, None, "replay:3:1", "replay:3")


@given(st.lists(st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_any_message_survives_the_file(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    body = "id\ttext\n" + "".join(f"{number}\t{text}\n" for number, text in enumerate(texts))
    assert [row.turns[0] for row in rows_of(tmp_path_factory.mktemp("any"), body)] == texts
