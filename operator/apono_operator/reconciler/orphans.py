"""Roles whose connector is gone: found in AWS and told, never touched.

A search costs one call of ListRoles for each thousand roles of the account, and for each role that may be an orphan
a GetRole when it is found and another before it is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from apono_operator import v1alpha1
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.failures import finding_of
from apono_operator.state.conditions import Event
from apono_operator.state.orphans import Orphan, advice, orphan, suspects
from apono_operator.state.resources import Cluster, ObjectKey, Owner
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DAY = 86_400.0


@dataclass
class OrphanSearch:
    """Looks for roles of this cluster that have no connector. For one thread at a time.

    Attributes:
        environment: What it stands on.
        namespaces: Those that are watched; none: all.
    """

    environment: Environment
    namespaces: Sequence[str]
    _told: dict[str, float] = field(default_factory=dict)
    """When each role was last told of."""

    def find(self) -> tuple[Orphan, ...]:
        """Return the roles that have no connector, as far as IAM knows.

        Roles are listed before connectors, and read again before a connector is asked for: a role is made after its
        connector and deleted before it goes, so no connector that comes or goes meanwhile makes its role an orphan,
        unless IAM shows a role that it has deleted.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: AWS or the API server does not say.
        """
        cluster = self.environment.cluster()
        names = self.environment.iam.connector_role_names()
        found = suspects(names, self._living(), cluster, self.namespaces)
        return tuple(self._orphans(found, cluster))

    def tell(self, orphans: Sequence[Orphan]) -> None:
        """Tell of those that still are orphans, of each at most once a day.

        Some time after they were found, so that IAM has stopped to show those that were being deleted.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: AWS or the API server does not say.
        """
        cluster = self.environment.cluster()
        for one in self._orphans([one.role_name for one in orphans], cluster):
            if self._is_news(one):
                self._tell(one)

    def complain(self, failure: Exception) -> None:
        """Tell why a search failed; what keeps it from finding anything may last for ever."""
        finding = finding_of(failure, self.environment)
        log.warning(
            "roles whose connector is gone are not looked for", reason=str(finding.reason), error=finding.message
        )

    def _living(self) -> Iterator[Owner]:
        """Yield all connectors; one under deletion looks after its role still."""
        for namespace in self.namespaces or (None,):
            yield from self.environment.kubernetes.connectors(namespace)

    def _orphans(self, role_names: Sequence[str], cluster: Cluster) -> Iterator[Orphan]:
        for name in role_names:
            tags = self.environment.iam.role_tags(name)
            found = orphan(name, tags, cluster, self.namespaces) if tags is not None else None
            if found and not self._has_connector(found.owner):
                yield found

    def _has_connector(self, owner: Owner) -> bool:
        key = ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)
        return self.environment.kubernetes.get(key) is not None

    def _is_news(self, orphan: Orphan) -> bool:
        told = self._told.get(orphan.role_arn)
        return told is None or self.environment.monotonic() - told >= DAY

    def _tell(self, orphan: Orphan) -> None:
        self._told[orphan.role_arn] = self.environment.monotonic()
        owner, text = orphan.owner, advice(orphan)
        log.warning(
            "a role has no connector", role=orphan.role_arn, namespace=owner.namespace, connector=owner.name,
            uid=owner.uid, detail=text,
        )  # fmt: skip
        now = self.environment.now()
        event = Event("Warning", Reason.ROLE_ORPHANED, text)
        try:
            self.environment.kubernetes.post(event, owner, now, once=f"{orphan.role_arn} {now.date()}")
        except AdapterError as error:  # the namespace is gone, not granted, or knows it of an earlier start
            log.debug("the Event was not posted", error=error.message)
