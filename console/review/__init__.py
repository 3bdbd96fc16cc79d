"""What the triage decided, looked at by supervisors."""
