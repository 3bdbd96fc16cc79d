"""What residents report and ask the city to do: damage, everyday problems, a call back. Each has a tracking number."""
