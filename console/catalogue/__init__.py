"""The fixed words of pages, in every language that pages are shown in."""

from console.catalogue.loader import LANGUAGES, has, text, words

__all__ = ["LANGUAGES", "has", "text", "words"]
