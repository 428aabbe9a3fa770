"""The sandbox: the operator's surroundings as real or faithful parts on one machine."""
