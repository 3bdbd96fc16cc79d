"""The home of those who write and decide: what is said, what ends, what waits, what is asked in vain."""
