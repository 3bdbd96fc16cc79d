"""A city's own desk: conversations go out to it with everything already said, and what its agents write comes back."""
