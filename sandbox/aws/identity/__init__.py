"""Who calls: access keys, role sessions and the signature that proves them."""
