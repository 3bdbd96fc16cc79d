"""Which topic a message asks about: one model for English and Spanish, calibrated, and honest about what it does not know."""
