"""CloudFormation's operations as callers see them."""
