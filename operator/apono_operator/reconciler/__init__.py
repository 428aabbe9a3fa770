"""One pass over one connector: look, decide, change, tell. The only place where the parts meet.

A pass is plain synchronous code and level-triggered: it starts from a fresh read. `upkeep` walks towards what the
manifest asks for, with `role` and `children` for the two sides; `removal` walks towards nothing. All stand on
`environment`, which holds the adapters and what is remembered between passes; `failures` says what a failed call
means, and `report` tells it.
"""

from apono_operator.reconciler.course import Outcome
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.orphans import OrphanSearch
from apono_operator.reconciler.reconciler import Reconciler, Remainder

__all__ = ["Environment", "OrphanSearch", "Outcome", "Reconciler", "Remainder"]
