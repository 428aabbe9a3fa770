"""What must be there before the operator serves: it refuses to run half-configured."""

from __future__ import annotations

from collections.abc import Sequence

from apono_operator import v1alpha1
from apono_operator.adapters.api_answers import NotFoundError, UnservedError
from apono_operator.adapters.errors import DeniedError
from apono_operator.adapters.leases import Leases
from apono_operator.reconciler import Environment
from apono_operator.v1alpha1 import Reason

LEASE_TIMEOUT = 30.0
"""Seconds to wait for the first look at the Lease."""


class HalfConfiguredError(Exception):
    """Something that the operator needs is missing; the message says what to do."""


def check(environment: Environment, namespaces: Sequence[str], selector: str = "") -> None:
    """Make sure that the operator can do its work.

    Args:
        environment: What it works with.
        namespaces: Those it watches; none: all.
        selector: Of the connectors that it serves.

    Raises:
        HalfConfiguredError: the custom resource definition, the right to list connectors, or AWS credentials miss.
        AdapterError: the API server or AWS does not answer, or *selector* is not one.
    """
    for namespace in namespaces or (None,):
        _check_connectors(environment, namespace, selector)
    _check_credentials(environment)


def check_lease(leases: Leases) -> None:
    """Make sure that the operator can look at its Lease.

    Raises:
        HalfConfiguredError: it has no right to.
        AdapterError: the API server does not answer.
    """
    try:
        leases.get(LEASE_TIMEOUT)
    except DeniedError as error:
        raise HalfConfiguredError(
            f"no permission for the Lease {leases}: grant it to the operator's ServiceAccount (the chart does), or, "
            f"where no other operator runs, set APONO_OPERATOR_LEADER_ELECTION=false. {error.message}"
        ) from error


def _check_connectors(environment: Environment, namespace: str | None, selector: str) -> None:
    try:
        environment.kubernetes.check_connectors_listable(namespace, selector)
    except (NotFoundError, UnservedError) as error:
        raise HalfConfiguredError(
            f"the custom resource definition of {v1alpha1.KIND} is not installed. "
            "Install it: apono-operator crds | kubectl apply --server-side -f -"
        ) from error
    except DeniedError as error:
        where = f"in namespace {namespace}" if namespace else "in all namespaces"
        raise HalfConfiguredError(
            f"no permission to list {v1alpha1.PLURAL} {where}: grant it to the operator's ServiceAccount (the chart "
            f"does), or name the namespaces to watch in APONO_OPERATOR_WATCH_NAMESPACES. {error.message}"
        ) from error


def _check_credentials(environment: Environment) -> None:
    try:
        environment.session.caller_identity()
    except DeniedError as error:
        if error.reason is not Reason.NO_CREDENTIALS:
            raise
        raise HalfConfiguredError(
            "no AWS credentials that AWS accepts. On EKS, annotate the operator's ServiceAccount with "
            f"eks.amazonaws.com/role-arn (chart value serviceAccount.annotations). {error.message}"
        ) from error
