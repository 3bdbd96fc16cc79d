"""Calls that agents take in their own telephone: the leg to the agent, the conference, and what follows when either ends."""
