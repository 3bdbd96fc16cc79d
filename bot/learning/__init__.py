"""Learning from what staff change: candidates, the gate before them, and the model that answers now."""
