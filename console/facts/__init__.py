"""Facts that messages quote: shelters, closures, sites and zones, in tables made for a phone."""
