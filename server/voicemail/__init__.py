"""Messages that callers recorded when no agent was there."""
