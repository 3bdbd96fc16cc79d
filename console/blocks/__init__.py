"""The page of blocked residents."""
