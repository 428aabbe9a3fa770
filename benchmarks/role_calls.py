"""Which calls make and remove a role, and why each.

Source: IAM API reference; "DeleteRole" names what has to go before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table

from benchmarks.report import Report, table
from benchmarks.stand import Stand, names, stand
from benchmarks.waiting import until
from sandbox.aws import Calls
from sandbox.surroundings import Surroundings

EXTRA_POLICIES: Final = ("arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")
SPEC: Final[dict[str, Any]] = {"permissions": "FullAccess", "role": {"managedPolicyArns": list(EXTRA_POLICIES)}}
_CREATION: Final = {
    "GetRole": "Is there a role of that name, and is it ours? One that is not is never touched.",
    "CreateRole": "The role, with trust policy, boundary, tags and description in the same call.",
    "PutRolePolicy": "What the role may do: one inline policy.",
    "AttachRolePolicy": "One call for each managed policy; IAM takes one at a time.",
}
_DELETION: Final = {
    "GetRole": "Is it there, and do its tags say that it is ours?",
    "ListAttachedRolePolicies": "What is attached, by others as well: IAM deletes no role that has any.",
    "DetachRolePolicy": "One call for each managed policy; IAM takes one at a time.",
    "DeleteRolePolicy": "The inline policy: IAM deletes no role that has one.",
    "DeleteRole": "The role.",
}
_NOT_NEEDED: Final = "Not needed: a look more than it takes."


def measure(around: Surroundings, *, tries: int = 3) -> Report:
    """Make and delete connectors whose role has everything on it, beside one that has warmed the operator up."""
    with stand(around, allowedManagedPolicyArns=list(EXTRA_POLICIES), roleTags={"team": "platform"}) as on:
        on.apply_ready(["warm"])
        made = [_made(on, name) for name in names("everything", tries)]
        removed = [_removed(on, name) for name in names("everything", tries)]
    report = Report()
    policies = made[0].operations.count("AttachRolePolicy")
    _judge(report, "AWS calls to create a role with everything on it", made, 3, policies)
    _judge(report, "AWS calls to delete it", removed, 4, policies)
    report.tables += [_why("Creation", _worst(made), _CREATION), _why("Deletion", _worst(removed), _DELETION)]
    return report


def _made(on: Stand, name: str) -> Calls:
    before = on.mark()
    on.apply_ready([name], **SPEC)
    return on.calls(before)


def _removed(on: Stand, name: str) -> Calls:
    before = on.mark()
    on.cluster.delete(name)
    until("the connector is gone", lambda: name not in on.cluster.connectors(), 60)
    on.until_quiet()
    return on.calls(before)


def _worst(tries: Sequence[Calls]) -> Calls:
    return max(tries, key=len)


def _judge(report: Report, name: str, tries: Sequence[Calls], fixed: int, policies: int) -> None:
    counts = [len(calls) - policies for calls in tries]
    told = " or ".join(str(count) for count in sorted(set(counts)))
    holds = policies > 0 and max(counts) <= fixed
    report.add(name, f"{told} + n, n = {policies} managed policies", f"<= {fixed} + n", holds=holds)


def _why(title: str, calls: Calls, reasons: dict[str, str]) -> Table:
    """Of a call that is asked more than once and need not be, the first is the needed one."""
    rows = []
    for operation, number in Counter(calls.operations).items():
        needed = operation in reasons
        rows.append((operation, str(number), reasons[operation] if needed else _NOT_NEEDED))
    return table(f"{title}: {len(calls)} calls", ("call", "times", "why"), rows)
