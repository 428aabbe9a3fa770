"""The CloudFormation templates that the operator uses, as data and as files."""
