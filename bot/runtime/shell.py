"""Rasa's command line with this assistant's words and actions; importing it is enough."""

from __future__ import annotations

from actions.registry import make_executor
from bot.runtime.rasa_core import teach_command_line
from knowledge.library import Library

_library = Library.from_packs(names=("core", "harbor_city"))
teach_command_line(_library, make_executor(lambda: _library))
