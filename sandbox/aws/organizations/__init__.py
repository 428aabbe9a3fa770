"""AWS Organizations: who belongs together, and who may see it."""
