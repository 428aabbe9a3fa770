"""What it costs the sandbox's AWS to decide whether a call is allowed, beside the whole call."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from benchmarks.report import Report
from benchmarks.stand import Stand, names, stand
from sandbox.aws import CallRecord
from sandbox.aws.policy.evaluation import PrincipalPolicies, denial
from sandbox.aws.policy.statements import policy_of
from sandbox.surroundings import Surroundings

SHARE: Final = 0.1
"""Of the time that a call takes within AWS."""

_ROUNDS: Final = 200


def measure(around: Surroundings, *, connectors: int = 5) -> Report:
    """Decide anew, again and again, what the operator asked for while it made some connectors."""
    report = Report()
    with stand(around) as on:
        before = on.mark()
        on.apply_ready(names("decided", connectors))
        calls = [call for call in on.calls(before) if call.asked]
        policies = _operators_policies(on)
    whole = median(call.duration for call in calls)
    deciding = _seconds(calls, policies)
    report.add(
        "deciding whether a call is allowed, of the time that it takes within AWS",
        f"{deciding / whole:.1%}",
        f"<= {SHARE:.0%}",
        holds=deciding <= SHARE * whole,
    )
    report.add("the same for each call", f"{deciding * 1e6:.0f} µs of {whole * 1e3:.1f} ms")
    return report


def _operators_policies(on: Stand) -> PrincipalPolicies:
    iam: Any = on.account.client("iam")
    role = on.operator_role
    found = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in found]
    return PrincipalPolicies([policy_of(json.dumps(document)) for document in documents])


def _seconds(calls: Sequence[CallRecord], policies: PrincipalPolicies) -> float:
    """The seconds that one call's requests take, all of which are allowed."""
    requests = [request for call in calls for request in call.asked]
    began = time.perf_counter()
    denied = sum(denial(request, policies) is not None for _ in range(_ROUNDS) for request in requests)
    if denied:
        raise ValueError(f"{denied} requests that were allowed are denied")
    return (time.perf_counter() - began) / _ROUNDS / len(calls)
