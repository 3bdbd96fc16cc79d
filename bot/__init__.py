"""What is understood: triage, topics, places, language, and the Rasa runtime."""
