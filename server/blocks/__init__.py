"""Whom this service does not answer for a while, and why."""
