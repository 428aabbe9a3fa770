"""What a failed call means for the aspect at hand: one ladder for both directions."""

from __future__ import annotations

import structlog

from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, TransientError
from apono_operator.reconciler.environment import Environment
from apono_operator.state.finding import Finding, stuck, unknown
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def finding_of(failure: Exception, environment: Environment) -> Finding:
    """Return what *failure* means; one that nobody foresaw is logged with its traceback."""
    match failure:
        case TransientError() | ConflictError():
            return unknown(failure.reason, failure.message)
        case DeniedError(reason=Reason.NO_CREDENTIALS):
            environment.session.forget_identity()
            return stuck(failure.reason, failure.message)
        case DeniedError(reason=Reason.ACCESS_DENIED):
            caller = failure.caller or f"the operator's role ({environment.session.last_caller})"
            return stuck(failure.reason, f"{failure.message} Allow it to {caller}.")
        case AdapterError():
            return stuck(failure.reason, failure.message)
        case _:
            log.error("the operator met a case that it does not know", exc_info=failure)
            return unknown(Reason.OPERATOR_ERROR, "The operator met a case it does not know; its log has the details.")
