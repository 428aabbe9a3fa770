"""What the operator costs and how fast it is, measured on the sandbox: ``python -m benchmarks``.

Each benchmark measures from outside: calls by the log of the sandbox's AWS, writes by the API server's audit log,
memory and CPU time by the kernel. `docs/benchmarks.md` tells what each figure means.
"""
