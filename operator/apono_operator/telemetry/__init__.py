"""What the operator tells of itself to machines: numbers for monitoring, heartbeats for probes."""
