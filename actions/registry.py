"""All actions in one executor, as Rasa calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rasa_sdk.executor import ActionExecutor

from actions.answers import AnswerPlace, AnswerTopic, AskPlace, More, Repeat, ShowMenu, SwitchLanguage
from actions.base import SpillwayAction
from actions.limits import Clarify, HandOff, NotUnderstood, OutOfScope, Say
from knowledge.library import Library

ACTIONS: Final[tuple[type[SpillwayAction], ...]] = (
    AnswerTopic,
    AnswerPlace,
    AskPlace,
    Clarify,
    HandOff,
    More,
    NotUnderstood,
    OutOfScope,
    Repeat,
    Say,
    ShowMenu,
    SwitchLanguage,
)


def make_executor(library: Callable[[], Library]) -> ActionExecutor:
    """An executor with every action of the domain."""
    executor = ActionExecutor()
    for action in ACTIONS:
        executor.register_action(action(library))
    return executor
