"""How approved words are dressed for a text message, the web, and the ear."""
