"""Whether the operator may be uninstalled: not while there are connectors that nobody would take away any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apono_operator import v1alpha1
from apono_operator.adapters.api_answers import NotFoundError, UnservedError
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.claim import claimant

NAMED = 20
"""Connectors that the message names at most."""


class RemainingConnectorsError(Exception):
    """There are connectors; the message names them and says what to do."""


def check(kubernetes: Kubernetes, installation: str, namespaces: Sequence[str]) -> None:
    """Make sure that no connector is left but those that another installation serves.

    Args:
        kubernetes: The cluster.
        installation: The one to be uninstalled, ``namespace/deployment``.
        namespaces: Those that it watches; all, if there are none.

    Raises:
        RemainingConnectorsError: there are some.
        AdapterError: the API server does not say.
    """
    names = sorted(_remaining(kubernetes, installation, namespaces))
    if not names:
        return
    named = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    home = installation.partition("/")[0]
    raise RemainingConnectorsError(
        f"Connectors are still there: {named}.\n"
        "Without the operator their roles stay in AWS, and nobody can delete them from the cluster. Delete them first, "
        f"for example by: kubectl delete {v1alpha1.PLURAL} --all --namespace {names[0].partition('/')[0]}\n"
        f"To leave them to a later installation: helm uninstall RELEASE --namespace {home} --no-hooks\n"
        f"To keep the operator: helm rollback RELEASE REVISION --namespace {home}, to the last revision of helm "
        "history: Helm upgrades nothing whose uninstallation it has begun."
    )


def _remaining(kubernetes: Kubernetes, installation: str, namespaces: Sequence[str]) -> Iterator[str]:
    for namespace in namespaces or (None,):
        try:
            for connector in kubernetes.whole_connectors(namespace):
                holder, metadata = claimant(connector), connector["metadata"]
                if holder is None or str(holder) == installation:
                    yield f"{metadata['namespace']}/{metadata['name']}"
        except (NotFoundError, UnservedError):  # no definition, no connectors
            return
