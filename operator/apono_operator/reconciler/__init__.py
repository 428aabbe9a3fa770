"""One pass over one connector: look, decide, change, tell. The only place where the parts meet.

A pass is plain synchronous code and level-triggered: it starts from a fresh read and does not ask why it runs.
`upkeep` walks towards what the manifest asks for, `removal` towards nothing; both stand on `world`, which holds
the adapters and what is remembered between passes, and both tell by `report`.
"""

from apono_operator.reconciler.reconciler import Reconciler
from apono_operator.reconciler.upkeep import Outcome
from apono_operator.reconciler.world import Pace, World

__all__ = ["Outcome", "Pace", "Reconciler", "World"]
