"""Measuring triage and understanding on the project's own test sets, which nothing is trained on."""
