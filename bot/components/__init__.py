"""Rasa graph components: the assistant's understanding."""

from bot.runtime import adapter

adapter.install()
