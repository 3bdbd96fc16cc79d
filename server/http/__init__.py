"""What every HTTP surface shares: errors, headers, health, staff pages."""
