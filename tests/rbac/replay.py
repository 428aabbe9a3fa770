"""The requests of a life, decided anew by rights that differ from the rendered ones.

Source: Kubernetes documentation, "Using RBAC Authorization"; "Server-Side Apply" (an apply that makes an object needs
``create`` as well); "Admission Control", OwnerReferencesPermissionEnforcement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sandbox.controlplane import Write

Right = tuple[str, str, str]
"""API group, resource and verb."""

CLUSTER = ""
CREATED = 201
FORBIDDEN = 403
OWNED = frozenset({"deployments", "secrets", "serviceaccounts"})
OWNER: Right = ("apono.io", "aponoconnectors/finalizers", "update")


@dataclass(frozen=True)
class Need:
    """What a request needed, in which namespace; the whole cluster's has none."""

    place: str
    right: Right

    def __str__(self) -> str:
        group, resource, verb = self.right
        return f"{verb} {resource}{f'.{group}' if group else ''} in {self.place or 'the cluster'}"


def needs(requests: Iterable[Write]) -> set[Need]:
    """Return all that was needed for those of *requests* that were allowed, whatever came of them."""
    return {need for request in requests if request.status != FORBIDDEN for need in _needs(request)}


def denied(needed: Iterable[Need], rights: Mapping[str, AbstractSet[Right]]) -> list[str]:
    """Return what of *needed* would be denied if *rights*, by namespace, were all there are."""
    return sorted(str(need) for need in needed if not _is_allowed(need, rights))


def _needs(request: Write) -> Iterator[Need]:
    yield Need(request.place, (request.group, request.resource, request.verb))
    if request.verb == "patch" and request.status == CREATED:
        yield Need(request.place, (request.group, request.resource, "create"))
    if request.verb in {"create", "patch"} and request.resource in OWNED:
        yield Need(request.place, OWNER)


def _is_allowed(need: Need, rights: Mapping[str, AbstractSet[Right]]) -> bool:
    return need.right in rights.get(CLUSTER, set()) or need.right in rights.get(need.place, set())
