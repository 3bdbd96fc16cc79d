"""Conversations, their turns, and the spine that every turn goes down."""
