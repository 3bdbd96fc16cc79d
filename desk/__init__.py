"""Live agents: the queue, the handoff packet, and their pages."""
