"""Messages: finding, writing, checking, approving, publishing, withdrawing."""
