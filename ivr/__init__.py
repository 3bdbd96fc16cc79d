"""The phone: what a caller hears and what happens on a key, a word or silence."""
