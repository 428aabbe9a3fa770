"""The calls of a life, decided anew under policies that differ from the printed ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from sandbox.aws.policy.documents import as_list
from sandbox.aws.policy.evaluation import Grant, OwnPolicy, PrincipalPolicies, denial
from sandbox.aws.policy.statements import Request, policy_of
from tests.rights.life import OWNER, Life
from tests.unit.bootstrap.deployment import Document, deployed
from tests.unit.bootstrap.printed import PARAMETERS, TEMPLATES

SESSION = "session"
"""What a session in the management account is opened with: less than its role may."""

ROLES = {
    "connectors": ("operator-account", "OperatorRole"),
    "management-accounts": ("operator-account", "OperatorRole"),
    "stacks": ("management-account", "ManagementRole"),
    "roles": ("management-account", "CloudFormationRole"),
    "member-accounts": ("management-account", "CloudFormationRole"),
}
"""By the name of the inline policy: the command that prints it, and whose it is."""

_EVERYTHING = policy_of('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')
_ENTERED = OwnPolicy(Grant.ACCOUNT, is_of_another_account=True)


@dataclass(frozen=True)
class Asked:
    """A request of a life, and the step that it was made for."""

    step: str
    request: Request

    def __str__(self) -> str:
        return f"{self.step}: {self.request.action}"


def printed(policy: str) -> Document:
    """A policy as it is printed, with the example's values."""
    if policy == SESSION:
        return _session(ManagementAccount.model_validate(_EXAMPLE), "apono-production")
    command, role = ROLES[policy]
    return deployed(TEMPLATES[command], PARAMETERS[command]).policy(role, policy)


def in_force(life: Life, policy: str) -> Document:
    """The same policy as it is in force in a life."""
    if policy not in life.documents:
        life.documents[policy] = _read(life, policy)
    document: Document = life.documents[policy]
    return document


def asked(life: Life, policy: str) -> list[Asked]:
    """What was asked by whoever acts under a policy, and what AWS asks for beside it where the sandbox cannot."""
    _, role = _place(life, policy)
    made = [
        Asked(step, request)
        for step, calls in life.steps
        for call in calls
        if f":assumed-role/{role}/" in str(call.caller)
        for request in call.asked
    ]
    return [*made, *_UNSEEN.get("stacks" if policy == SESSION else policy, lambda _: [])(made)]


def denied(life: Life, policy: str, document: Document) -> list[str]:
    """What of a life would be denied if a policy said what *document* says."""
    return [str(one) for one in asked(life, policy) if is_denied(life, policy, document, one.request)]


def is_denied(life: Life, policy: str, document: Document, request: Request) -> bool:
    """Whether a request would be denied if a policy said what *document* says.

    The policies of the role and of its session are looked at one without the other: each has to keep out by itself.
    """
    changed = policy_of(json.dumps(document))
    if policy == SESSION:
        policies = PrincipalPolicies([_EVERYTHING], session=[changed])
    else:
        beside = [other for other, place in ROLES.items() if place == ROLES[policy] and other != policy]
        policies = PrincipalPolicies([changed, *(policy_of(json.dumps(in_force(life, other))) for other in beside)])
    own = _ENTERED if request.action == "sts:AssumeRole" else None
    return denial(request, policies, own) is not None


def without_action(document: Document, place: int, action: str) -> Document:
    """A policy without one action of one statement."""
    changed = copy.deepcopy(document)
    statement = changed["Statement"][place]
    statement["Action"] = [one for one in as_list(statement["Action"]) if one != action]
    return changed


def without_statement(document: Document, place: int) -> Document:
    """A policy without one statement."""
    return {**document, "Statement": [one for at, one in enumerate(document["Statement"]) if at != place]}


def without_key(document: Document, place: int, operator: str, key: str) -> Document:
    """A policy without one condition of one statement."""
    changed = copy.deepcopy(document)
    del changed["Statement"][place]["Condition"][operator][key]
    return changed


def with_resources(document: Document, place: int, change: Callable[[list[str]], list[str]]) -> Document:
    """A policy with other resources in one statement."""
    changed = copy.deepcopy(document)
    statement = changed["Statement"][place]
    statement["Resource"] = change(as_list(statement["Resource"]))
    return changed


def with_context(request: Request, key: str, value: str | None) -> Request:
    """A request with another value of a condition key, or without it."""
    rest = {name: values for name, values in request.context.items() if name != key.lower()}
    return Request(request.action, request.resource, rest if value is None else {**rest, key: value})


def _place(life: Life, policy: str) -> tuple[Any, str]:
    if policy in {"connectors", "management-accounts"}:
        return life.member, life.made.operator_role_arn.rpartition("/")[2]
    member = "cloudFormationRoleArn" if policy in {"roles", "member-accounts"} else "roleArn"
    return life.management, str(life.made.management_account[member]).rpartition("/")[2]


def _read(life: Life, policy: str) -> Document:
    if policy == SESSION:
        managed = ManagementAccount.model_validate({**life.made.management_account, "namespaces": ["*"]})
        return _session(managed, life.cluster.stack_name(OWNER))
    account, role = _place(life, policy)
    document: Document = account.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return document


def _session(account: ManagementAccount, stack_name: str) -> Document:
    document: Document = json.loads(Entrance.to(account, stack_name, OWNER.uid).session_policy)
    return document


def _of(made: list[Asked], action: str) -> Request:
    return next(one.request for one in made if one.request.action == action)


def _tagging(made: list[Asked]) -> Iterator[Asked]:
    """Source: IAM User Guide, "Pass session tags in AWS STS": a session with transitive tags passes them on."""
    role = _of(made, "sts:AssumeRole").resource
    yield Asked("enters with the tags of its session", Request("sts:TagSession", role))


def _reading_a_version(made: list[Asked]) -> Iterator[Asked]:
    """Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations": of an object's version."""
    template = _of(made, "s3:GetObject").resource
    yield Asked("reads a version of the template", Request("s3:GetObjectVersion", template))


def _describing(made: list[Asked]) -> Iterator[Asked]:
    """Source: CloudFormation resource type schema, AWS::IAM::Role, permissions of its update handler."""
    role = _of(made, "iam:UpdateRole")
    yield Asked("changes the description", Request("iam:UpdateRoleDescription", role.resource, role.context))


def _reading_stack_sets(made: list[Asked]) -> Iterator[Asked]:
    """Source: handlers of AWS::CloudFormation::StackSet, aws-cloudformation-resource-providers-cloudformation.

    Who reads one lists its instances, and who waits for an operation in vain asks what came of it.
    """
    stack_set = _of(made, "cloudformation:DescribeStackSet").resource
    yield Asked("compares the StackSet", Request("cloudformation:ListStackInstances", stack_set))
    yield Asked("is stopped in an operation", Request("cloudformation:ListStackSetOperationResults", stack_set))
    yield from _reading_a_version(made)


_UNSEEN: Mapping[str, Callable[[list[Asked]], Iterator[Asked]]] = {
    "management-accounts": _tagging,
    "stacks": _reading_a_version,
    "roles": _describing,
    "member-accounts": _reading_stack_sets,
}
_EXAMPLE = {
    "accountId": "123456789012",
    "roleArn": "arn:aws:iam::123456789012:role/connector-operator-management",
    "externalId": "0123456789abcdef",
    "cloudFormationRoleArn": "arn:aws:iam::123456789012:role/connector-operator-cloudformation",
    "region": "us-east-1",
    "templateUrl": "https://templates.s3.amazonaws.com/management-account.yaml",
    "permissionsBoundaries": {"ReadOnly": "arn:aws:iam::123456789012:policy/boundary"},
    "allowedUnits": ["r-1a2b"],
    "namespaces": ["*"],
}
