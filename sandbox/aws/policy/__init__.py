"""The policy language: its grammar, its principals, its conditions."""
