"""The foundations of one process, and the program that puts everything together."""
