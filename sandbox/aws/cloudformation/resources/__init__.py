"""The types of resources that stacks may hold. A further type is a handler, and its row in `registry`."""
