"""IAM Identity Center: whether an organization has it, and where."""
