"""Staff pages and the words of all pages."""
