"""Staff accounts: roles, invitations, second factors, sessions."""
