# ruff: noqa: INP001 -- as docs/generate.py
"""Why each right of the chart's ServiceAccounts is there: the page of them, which tests hold against the chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CONNECTORS = "apono.io", "aponoconnectors"
DEPLOYMENTS = "apps", "deployments"
ACCOUNTS = "", "serviceaccounts"
SECRETS = "", "secrets"
PODS = "", "pods"
EVENTS = "", "events"
LEASES = "coordination.k8s.io", "leases"

CLUSTER = "the cluster"
WATCHED = "the cluster, or each of `watchNamespaces`"
GRANTED = "each granted namespace"
OWN = "the release's namespace"


@dataclass(frozen=True)
class Right:
    """One verb on one resource, where it is given, and what would not go without it."""

    group: str
    resource: str
    verb: str
    where: str
    because: str


def _rights(of: tuple[str, str], where: str, **because: str) -> Iterator[Right]:
    for verb, reason in because.items():
        yield Right(*of, verb, where, reason)


OPERATOR: tuple[Right, ...] = (
    *_rights(
        CONNECTORS,
        CLUSTER,
        get="Each pass starts from a fresh look at its connector.",
        list="Which connectors there are, at the start.",
        watch="News of them.",
        patch="The finalizer, before anything is made in AWS, and its removal. Kubernetes has no right to it alone.",
    ),
    *_rights(
        ("apono.io", "aponoconnectors/status"),
        CLUSTER,
        patch="Conditions and ARNs. Both are cluster-wide even with `watchNamespaces`: a deleted namespace loses its "
        "RoleBindings before its connectors.",
    ),
    *_rights(
        DEPLOYMENTS,
        WATCHED,
        get="Whether the Deployment is as asked; whether another installation is still there.",
        list="Those of connectors, at the start.",
        watch="When one was changed, or became available.",
    ),
    *_rights(
        PODS,
        WATCHED,
        list="How the connector's pods are: images, crashes, the injected role.",
        watch="When that changes.",
    ),
    *_rights(
        ACCOUNTS,
        WATCHED,
        get="Whether the ServiceAccount names the role.",
        list="Those of connectors, at the start.",
        watch="When one was changed.",
    ),
    *_rights(
        SECRETS,
        GRANTED,
        get="The connector token and the pull Secret, by name; they are never listed.",
        create="The pull Secret. Not with `connectorImagePullSecrets`.",
        patch="The same by server-side apply. Not with `connectorImagePullSecrets`.",
    ),
    *_rights(ACCOUNTS, GRANTED, create="The connector's ServiceAccount.", patch="The same by server-side apply."),
    *_rights(
        DEPLOYMENTS,
        GRANTED,
        create="The connector's Deployment.",
        patch="The same by server-side apply.",
        delete="The pods go before the role; a Deployment that was changed beyond repair is made anew.",
    ),
    *_rights(EVENTS, GRANTED, create="What happens to a connector, in `kubectl describe`."),
    *_rights(
        ("apono.io", "aponoconnectors/finalizers"),
        GRANTED,
        update="Children name their connector as owner and block its deletion, which wants this where the admission "
        "plugin OwnerReferencesPermissionEnforcement runs (OpenShift).",
    ),
    *_rights(
        LEASES,
        OWN,
        get="Who of several operators works; the one Lease of the release alone. Not without `leaderElection`.",
        create="That Lease, once; what is created cannot be limited to a name.",
        update="That Lease is renewed, and released.",
    ),
)
"""Of the operator's ServiceAccount."""

UNINSTALL_CHECK: tuple[Right, ...] = (
    *_rights(CONNECTORS, WATCHED, list="Which connectors are left, before the release is uninstalled."),
)
"""Of the ServiceAccount that the check before an uninstallation has while it runs."""


def page() -> str:
    """Return the page in Markdown."""
    return (
        "# Rights in Kubernetes\n\n"
        "All that the chart `apono-operator` lets its ServiceAccounts do, and why. Each row is needed: the requests of "
        "a connector's whole life are recorded, and with any one of these rights taken away one of them is denied "
        "(`tests/rbac`). What people may do with connectors: the values `rbac` of the chart.\n\n"
        "## The operator\n\n"
        f"{_table(OPERATOR)}\n"
        "## The check before an uninstallation\n\n"
        "A Job with a ServiceAccount of its own; both are there only while it runs.\n\n"
        f"{_table(UNINSTALL_CHECK)}"
    )


def _table(rights: tuple[Right, ...]) -> str:
    rows = "".join(
        f"| `{right.resource}`{f' (`{right.group}`)' if right.group else ''} | `{right.verb}` | {right.where} "
        f"| {right.because} |\n"
        for right in rights
    )
    return f"| Resource | Verb | Where | Why |\n| --- | --- | --- | --- |\n{rows}"
