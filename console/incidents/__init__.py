"""What is going on: starting an incident from a pack, moving its phase and level, closing it."""
