"""Which installation of the operator serves a connector: one alone, however many are set up to.

The claim stands in the status, which whoever may write connectors cannot write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from apono_operator.state.resources import Manifest, ObjectKey

CLAIMED_BY = "claimedBy"
"""The field of the status."""

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
