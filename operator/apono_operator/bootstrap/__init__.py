"""What an administrator makes in AWS before the operator can work: its roles, and the boundaries of what it makes."""
