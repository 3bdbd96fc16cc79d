"""`spillway rasa`: Rasa's own command line under our runtime."""

from __future__ import annotations

import os
import sys
from typing import Final

import typer

from bot.runtime import adapter
from bot.runtime.training import newest_model
from server.settings import ROOT, get_settings

_DEFAULTS: Final[dict[tuple[str, ...], list[str]]] = {
    ("data", "validate"): ["--domain", "bot/domain.yml", "--data", "bot/data", "--config", "config.yml"],
    ("test", "nlu"): ["--domain", "bot/domain.yml", "--config", "config.yml"],
    ("test", "core"): ["--stories", "tests/dialogue"],
    ("visualize",): ["--domain", "bot/domain.yml", "--stories", "bot/data", "--config", "config.yml"],
}
"""Where our files are, added when the caller does not say otherwise."""
_NEEDS_MODEL: Final = ("shell", "test", "interactive")


def rasa(context: typer.Context) -> None:
    """Run Rasa's own commands, such as `data validate`, `test nlu`, `shell` or `visualize`, on this assistant."""
    arguments = with_defaults(context.args)
    adapter.install_for_commands()
    os.chdir(ROOT)
    from rasa.__main__ import main

    import bot.runtime.shell  # noqa: F401  (teaches Rasa's command line our words and actions)

    sys.argv = ["rasa", *arguments]
    main()


def with_defaults(arguments: list[str]) -> list[str]:
    """The arguments with our files and the newest model where none are named."""
    result = list(arguments)
    for words, options in _DEFAULTS.items():
        if tuple(arguments[: len(words)]) == words:
            for flag, value in zip(options[::2], options[1::2], strict=True):
                if flag not in arguments:
                    result += [flag, value]
    if arguments and arguments[0] in _NEEDS_MODEL and "--model" not in arguments and "-m" not in arguments:
        model = newest_model(get_settings().models_dir)
        if model is not None:
            result += ["--model", str(model)]
    return result
