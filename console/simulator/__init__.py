"""Training without Twilio: two phones on a page, on the same code path as the real ones."""
