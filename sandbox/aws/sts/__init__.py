"""The security token service."""
