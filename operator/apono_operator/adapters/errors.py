"""What can go wrong outside, by the reaction that it needs. Each error carries the Reason that users will read."""

from __future__ import annotations

from apono_operator.v1alpha1 import Reason


class AdapterError(Exception):
    """A call to AWS or Kubernetes failed.

    Args:
        reason: What to put into the condition.
        message: What happened, for people; holds no secret and no whole response.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(AdapterError):
    """It may pass by itself: wait, with back-off."""


class DeniedError(AdapterError):
    """Somebody has to allow it; it is tried again, seldom and ever more seldom.

    Attributes:
        caller: Whom it has to be allowed to, in words; empty: the operator's own role.
    """

    caller: str = ""


class RejectedError(AdapterError):
    """What we ask for is wrong or cannot be: of no use until somebody corrects it."""


class ConflictError(AdapterError):
    """The object was changed or replaced meanwhile: read again, at once."""


class FencedError(Exception):
    """The operator is stopping (or no longer leads): no further call leaves this process."""
