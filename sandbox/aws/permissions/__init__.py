"""What each operation needs permission for: actions, on which resources, with which condition keys."""
