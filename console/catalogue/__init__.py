"""The fixed words of pages, in every language that pages are shown in."""

from console.catalogue.loader import LANGUAGES, text, words

__all__ = ["LANGUAGES", "text", "words"]
