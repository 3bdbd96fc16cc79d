"""What the process of a training tells the one above."""

from __future__ import annotations

import io
import json
import threading

import pytest

from bot.learning.worker import Told


class Heard(io.StringIO):
    """Takes the lines, and says when there are enough."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self._left = enough
        self.enough = threading.Event()

    def write(self, text: str) -> int:
        self._left -= 1
        if self._left <= 0:
            self.enough.set()
        return super().write(text)


def test_a_long_step_gives_signs_of_life_and_nears_its_end() -> None:
    heard = Heard(5)
    told = Told(heard)
    with told.meanwhile("learning", begin=0.03, end=0.6, usual=0.001, every=0.001):
        assert heard.enough.wait(30)
    told("replaying", 0.6)
    lines = [json.loads(line) for line in heard.getvalue().splitlines()]
    *learning, last = lines
    progress = [line["progress"] for line in learning]
    assert {line["step"] for line in learning} == {"learning"}
    assert progress == sorted(progress)
    assert progress[0] == 0.03
    assert progress[-1] <= last["progress"] == 0.6
    assert list(told.seconds) == ["learning", "computing", "replaying"]


def test_a_step_that_fails_tells_nothing_more() -> None:
    heard = Heard(1)
    told = Told(heard)
    with pytest.raises(ValueError, match="broken"), told.meanwhile("learning", begin=0.1, end=0.2):
        raise ValueError("broken")
    assert threading.active_count() == len(threading.enumerate())
    assert len(heard.getvalue().splitlines()) == 1
