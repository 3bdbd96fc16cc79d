"""Who did what and when, with the proof that nothing was changed since."""
