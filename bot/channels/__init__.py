"""The channels that are written: text messages and web chat."""
