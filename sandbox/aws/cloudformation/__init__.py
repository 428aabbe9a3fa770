"""CloudFormation: a small, strict engine of our own that makes its resources by calls through the front door."""
