"""The audit log tells what ServiceAccounts write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.controlplane import CommandError
from tests.waiting import until

if TYPE_CHECKING:
    from sandbox.controlplane import Write
    from tests.controlplane.conftest import Namespace


def writes(namespace: Namespace, expected: int, since: int = 0) -> list[Write]:
    log = namespace.control_plane.audit_log()

    def look() -> list[Write]:
        found = log.writes(namespace.name, "writer", since)
        return found if len(found) >= expected else []

    return until(f"{expected} writes", look)


@pytest.fixture
def writer(namespace: Namespace) -> str:
    """Make a ServiceAccount that may write ConfigMaps; return the flag that makes kubectl act as it."""
    namespace.service_account("writer")
    namespace.kubectl("create", "role", "writer", "--verb=create,get,list,delete", "--resource=configmaps")
    subject = f"--serviceaccount={namespace.name}:writer"
    namespace.kubectl("create", "rolebinding", "writer", "--role=writer", subject)
    return f"--kubeconfig={namespace.control_plane.service_account_kubeconfig(namespace.name, 'writer')}"


def test_writes_of_a_service_account_are_told_and_its_reads_are_not(namespace: Namespace, writer: str) -> None:
    namespace.kubectl(writer, "create", "configmap", "one")
    namespace.kubectl(writer, "get", "configmaps")
    namespace.kubectl(writer, "delete", "configmap", "one")

    told = writes(namespace, 2)
    assert [(write.verb, write.resource, write.name) for write in told] == [
        ("create", "configmaps", "one"),
        ("delete", "configmaps", "one"),
    ]
    assert all(write.accepted and write.came_in <= write.answered for write in told)


def test_a_refused_write_is_told_as_such(namespace: Namespace, writer: str) -> None:
    with pytest.raises(CommandError, match="cannot create"):
        namespace.kubectl(writer, "create", "secret", "generic", "two")

    (refused,) = writes(namespace, 1)
    assert (refused.resource, refused.accepted) == ("secrets", False)


def test_what_others_write_is_not_taken_for_its(namespace: Namespace, writer: str) -> None:
    namespace.kubectl("create", "configmap", "of-the-administrator")
    namespace.kubectl(writer, "create", "configmap", "of-the-writer")

    assert [write.name for write in writes(namespace, 1)] == ["of-the-writer"]


def test_a_mark_leaves_out_what_was_before(namespace: Namespace, writer: str) -> None:
    namespace.kubectl(writer, "create", "configmap", "before")
    writes(namespace, 1)
    mark = namespace.control_plane.audit_log().mark()
    namespace.kubectl(writer, "create", "configmap", "after")

    assert [write.name for write in writes(namespace, 1, mark)] == ["after"]
