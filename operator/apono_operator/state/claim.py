"""Which installation of the operator serves a connector: one alone, however many are set up to.

The claim stands in the status, which whoever may write connectors cannot write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from apono_operator.state.resources import Manifest, ObjectKey

CLAIMED_BY = "claimedBy"
"""The field of the status."""

_NAMESPACES_VARIABLE = "APONO_OPERATOR_WATCH_NAMESPACES"
_SELECTOR_VARIABLE = "APONO_OPERATOR_WATCH_SELECTOR"
_NAME = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?)/([a-z0-9]([-a-z0-9.]*[a-z0-9])?)")


@dataclass(frozen=True)
class Installation:
    """An installation of the operator, named by its Deployment."""

    namespace: str
    deployment: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.deployment}"

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """Return the installation that *text* names as `str` does, None if it names none."""
        found = _NAME.fullmatch(text) if isinstance(text, str) else None
        return cls(found[1], found[3]) if found else None

    @property
    def key(self) -> ObjectKey:
        """Its Deployment."""
        return ObjectKey("Deployment", self.namespace, self.deployment)


DEFAULT_INSTALLATION = Installation("apono", "apono-operator")
"""What an operator that was not installed by the chart calls itself."""


@dataclass(frozen=True)
class Reach:
    """Which connectors an installation is set up for, as its Deployment says.

    Attributes:
        namespaces: Those that it watches; none: all.
        selector: The label selector of its connectors; empty: all.
    """

    namespaces: tuple[str, ...]
    selector: str

    def covers_namespace(self, namespace: str) -> bool:
        """Tell whether it watches *namespace*."""
        return not self.namespaces or namespace in self.namespaces


def reach_of(deployment: Manifest) -> Reach | None:
    """Return what the installation of *deployment* is set up for, None if that cannot be told.

    Its pods run as the Deployment says once the rollout is through (Kubernetes documentation, "Deployments", on the
    status of one); variables may be taken from elsewhere.
    """
    variables = {variable["name"]: variable for variable in _variables(deployment)}
    told = [variables.get(name, {}) for name in (_NAMESPACES_VARIABLE, _SELECTOR_VARIABLE)]
    if not _is_rolled_out(deployment) or any("valueFrom" in variable for variable in told):
        return None
    namespaces, selector = (str(variable.get("value", "")) for variable in told)
    return Reach(tuple(name.strip() for name in namespaces.split(",") if name.strip()), selector)


def _variables(deployment: Manifest) -> Iterator[Manifest]:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        yield from container.get("env") or ()


def _is_rolled_out(deployment: Manifest) -> bool:
    status = deployment.get("status", {})
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(current and status.get("updatedReplicas", 0) == status.get("replicas", 0))


def claimant(connector: Manifest) -> Installation | None:
    """Return the installation that has claimed *connector*, None if none has."""
    return Installation.parse(connector.get("status", {}).get(CLAIMED_BY))


def contest_message(holder: Installation, contender: Installation) -> str:
    """Return what to tell people of a connector that *contender* would serve if *holder* did not."""
    return (
        f"The installation {contender} of the operator is set up for this connector too, and leaves it alone: "
        f"{holder} has claimed it. Take the namespace out of one of them (chart values grants, "
        "watchNamespaces), or uninstall one."
    )
