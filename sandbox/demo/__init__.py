"""The main jobs, from manifest to Ready to gone, on a real control plane, each step really seen.

`python -m sandbox demo` ends with status 0 only if every step was seen to be true.
"""

from __future__ import annotations

from sandbox.demo.narration import NAMESPACE, NotSeenError
from sandbox.demo.run import run

__all__ = ["NAMESPACE", "NotSeenError", "run"]
