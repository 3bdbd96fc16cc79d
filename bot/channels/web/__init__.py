"""The resident's web chat: page, widget, messages and the stream of answers."""
