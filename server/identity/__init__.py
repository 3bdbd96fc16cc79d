"""Recognising and reaching residents without keeping their numbers in the clear."""
