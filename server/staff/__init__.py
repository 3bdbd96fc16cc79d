"""Staff accounts, sign-in and permissions."""
