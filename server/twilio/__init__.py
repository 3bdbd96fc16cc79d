"""Twilio's protocol: signatures, the REST client, and a local stand-in for Twilio's side."""
