"""The first page of the console: what is live, what expires, what waits, what residents ask that has no answer."""
