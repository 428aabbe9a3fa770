"""The Apono connector operator: keeps AponoConnector resources true in Kubernetes and in AWS."""
