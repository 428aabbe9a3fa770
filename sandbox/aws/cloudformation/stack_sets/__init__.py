"""Stack sets with service-managed permissions: one template, a stack of it in each account of some units."""
