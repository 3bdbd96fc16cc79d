"""What goes out: one row a send, once."""
