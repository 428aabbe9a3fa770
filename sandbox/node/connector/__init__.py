"""The image of a stand-in for Apono's connector."""
