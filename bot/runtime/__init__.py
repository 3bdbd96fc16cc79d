"""Rasa 3.6.21 in this process: the adapter that lets it run here, and the one module that imports `rasa.core`."""
