"""`spillway replay` and `spillway rasa` as a person in a terminal runs them."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.conversations.turn import Outcome

Terminal = Callable[..., "subprocess.CompletedProcess[str]"]
FIELDS = {"id", "outcome", "topic", "topics", "safety_line", "category", "message_ids", "lang", "text", "elapsed_ms"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def test_a_file_of_everything(terminal: Terminal, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given = [
        {"id": "shelter", "text": "where is a shelter"},
        {"id": "spanish", "text": "¿dónde hay un refugio?"},
        {"id": "fire", "text": "my house is on fire and we cannot get out"},
        {"id": "turns", "turns": ["where is a shelter", "and pets?", "agent", "thanks"]},
        {"id": "call", "text": "911", "channel": "ivr"},
        {"id": "web", "text": "where do i get sandbags", "channel": "web"},
        {"id": "other", "text": "where is a shelter", "lang": "es"},
        {"id": "odd", "text": "a\u2028b \ud83d \x00"},
        {"id": "empty", "text": ""},
    ]
    source.write_text("\n".join(json.dumps(row) for row in given), "utf-8")
    done = terminal("replay", str(source), "--output", str(output))
    assert done.returncode == 0, done.stderr
    found = {line["id"]: line for line in lines(output)}
    assert list(found) == [
        "shelter",
        "spanish",
        "fire",
        *(f"turns#{n}" for n in range(1, 5)),
        "call",
        "web",
        "other",
        "odd",
        "empty",
    ]
    for line in found.values():
        assert set(line) == FIELDS
        assert line["outcome"] in set(Outcome)
        assert line["elapsed_ms"] >= 0
        assert line["text"] or line["id"] == "turns#4"
    assert (found["shelter"]["outcome"], found["shelter"]["topic"], found["shelter"]["lang"]) == (
        "answer",
        "shelter_locations",
        "en",
    )
    assert (found["spanish"]["topic"], found["spanish"]["lang"]) == ("shelter_locations", "es")
    assert (found["fire"]["outcome"], found["fire"]["safety_line"], found["fire"]["category"]) == ("emergency_911", True, "fire")
    assert found["turns#2"]["topic"] == "shelter_pets"
    assert found["turns#3"]["outcome"] == "agent"
    assert found["call"]["outcome"] == "emergency_911"
    assert found["other"]["lang"] == "es"
    assert "turns in" in done.stderr


def test_a_thousand_rows(terminal: Terminal, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tsv", tmp_path / "out.jsonl"
    questions = [
        "where is a shelter",
        "dónde hay un refugio",
        "is there a curfew",
        "my house is on fire",
        "water",
        "what is my zone",
    ]
    source.write_text("id\ttext\n" + "".join(f"{n}\t{questions[n % 6]} {n}\n" for n in range(1000)), "utf-8")
    done = terminal("replay", str(source), "--output", str(output), "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr
    found = lines(output)
    assert [line["id"] for line in found] == [str(n) for n in range(1000)]
    assert {line["outcome"] for line in found[3::6]} == {"emergency_911"}
    assert not any(part.startswith("system.static") for line in found for part in line["message_ids"])


def test_a_row_that_cannot_be_read_ends_it_before_anything_is_written(terminal: Terminal, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tsv", tmp_path / "out.jsonl"
    source.write_text("id\ttext\tchannel\na\tb\tsms\nc\td\tfax\n")
    done = terminal("replay", str(source), "--output", str(output))
    assert done.returncode == 2
    assert "in.tsv:3" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
    assert not output.exists()
    assert terminal("replay", str(source), "--output", str(tmp_path / "none" / "out.jsonl")).returncode == 2


def test_chat_in_the_terminal(terminal: Terminal) -> None:
    done = terminal("chat", stdin="where is a shelter\nand pets?\n\n")
    assert done.returncode == 0, done.stderr
    assert "Lincoln High School" in done.stdout
    assert "shelter_pets" in done.stdout


def test_rasa_finds_our_data_valid(terminal: Terminal) -> None:
    done = terminal("rasa", "data", "validate")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "No story structure conflicts found" in done.stdout + done.stderr


def test_rasa_shell_answers_from_approved_messages(terminal: Terminal) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = terminal("rasa", "shell", "--port", str(port), stdin="where is a shelter\nagent\n/stop\n", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "shelter_locations.open" in done.stdout
    assert "Lincoln High School" in done.stdout
    assert "talk_to_agent" in done.stdout
