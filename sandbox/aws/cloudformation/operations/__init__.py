"""What is done to stacks, step by step."""
