"""Rasa graph components: the assistant's understanding."""
