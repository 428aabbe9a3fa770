"""The API server's audit log: which ServiceAccount asked for what, and when.

Source: Kubernetes documentation, "Auditing"; reference "kube-apiserver Audit Configuration (v1)".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = Path(__file__).with_name("audit-policy.yaml")
_ERROR = 400


_READS = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, slots=True)
class Write:
    """One request; most callers want those that were to change something.

    Attributes:
        namespace: Of the ServiceAccount that asked.
        service_account: Its name.
        verb: `create`, `update`, `patch`, `delete` or `deletecollection`; of reads `get`, `list` or `watch`.
        group: The API group of what it is about, empty for the core.
        place: The namespace of what it is about, empty if it is about all or has none.
        resource: In the plural, with its subresource, such as `deployments` or `deployments/status`.
        name: Of the object; empty if the API server was to choose it, or for a collection.
        status: The HTTP status of the answer.
        came_in: When the API server got it, aware.
        answered: When it had answered, aware.
        target: The namespace that was written into; empty for what is in none.
        dry: Whether it was only tried, and nothing would have been kept (Kubernetes documentation, "Dry-run").
    """

    namespace: str
    service_account: str
    verb: str
    group: str
    place: str
    resource: str
    name: str
    status: int
    came_in: datetime
    answered: datetime
    target: str
    dry: bool

    @property
    def accepted(self) -> bool:
        """Whether it was carried out."""
        return self.status < _ERROR


def file_in(directory: Path) -> Path:
    """Where the API server of the control plane in *directory* logs."""
    return directory / "logs" / "audit.log"


class AuditLog:
    """The requests of all ServiceAccounts but Kubernetes' own, in the order in which they were answered.

    One is logged right after its answer has left, so that whoever got the answer may have to look twice.

    Args:
        file: Where the API server logs.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._writes: list[Write] = []

    def writes(self, namespace: str, service_account: str, since: int = 0) -> list[Write]:
        """Those of one ServiceAccount that were to change something, after a mark, see `mark`."""
        return [one for one in self.requests(namespace, service_account, since) if one.verb not in _READS]

    def requests(self, namespace: str, service_account: str, since: int = 0) -> list[Write]:
        """All of one ServiceAccount after a mark, see `mark`; of non-resources, such as discovery, none."""
        self._read()
        wanted = (namespace, service_account)
        return [one for one in self._writes[since:] if (one.namespace, one.service_account) == wanted and one.resource]

    def mark(self) -> int:
        """Where the log stands, to be given to `writes`."""
        self._read()
        return len(self._writes)

    def _read(self) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._offset)
            self._writes += map(_write, self._lines(file))

    def _lines(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        """The whole lines that are new; the last may be under way."""
        for line in file:
            if not line.endswith(b"\n"):
                return
            self._offset += len(line)
            yield json.loads(line)


def _write(event: dict[str, Any]) -> Write:
    _, _, namespace, service_account = event["user"]["username"].split(":")
    target = event.get("objectRef", {})
    subresource = f"/{target['subresource']}" if "subresource" in target else ""
    return Write(
        namespace=namespace,
        service_account=service_account,
        verb=event["verb"],
        group=target.get("apiGroup", ""),
        place=target.get("namespace", ""),
        resource=f"{target.get('resource', '')}{subresource}",
        name=target.get("name", ""),
        status=event["responseStatus"].get("code", 0),
        came_in=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        answered=datetime.fromisoformat(event["stageTimestamp"]),
        target=target.get("namespace", ""),
        dry="dryRun=" in event.get("requestURI", ""),
    )
