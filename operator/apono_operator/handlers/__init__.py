"""kopf, and nothing but kopf: it watches, keeps the finalizer, and calls the reconciler in a thread pool."""
