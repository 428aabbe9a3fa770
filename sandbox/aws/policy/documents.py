"""The grammar of policy documents, checked as IAM does when one is stored.

Source: "Grammar of the IAM JSON policy language" in the IAM user guide.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.errors import AwsError, malformed_policy, not_modelled
from sandbox.aws.policy.conditions import is_operator

Document = dict[str, Any]
Statement = Mapping[str, Any]

_VERSIONS: Final = {"2008-10-17", "2012-10-17"}
_TOP_LEVEL: Final = {"Version", "Id", "Statement"}
_ELEMENTS: Final = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_TRUST_ACTIONS: Final = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
)
_ACTION: Final = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
_SID: Final = re.compile(r"[a-zA-Z0-9]*")
_ARN_FIELDS: Final = 5  # partition, service, region, account, resource
_IAM_RESOURCES: Final = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
_PARTITIONS: Final = {
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "*",
}


def size(text: str) -> int:
    """A document's size as the quotas count it: characters that are not white space."""
    return len("".join(text.split()))


def as_list(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """A document's statements."""
    return as_list(document["Statement"])


def read(text: str) -> Document:
    """Read a document that has been checked before."""
    document: Document = json.loads(text)
    return document


def check_trust(text: str) -> Document:
    """Read a role's trust policy; whom it names is checked apart, see `sandbox.aws.policy.principals`.

    Raises:
        AwsError: `MalformedPolicyDocument`, or `NotModelled` for `NotPrincipal` and `NotAction`.
    """
    document = _parsed(text, "This policy contains invalid Json")
    _check_frame(document)
    for statement in statements(document):
        _check_statement(statement)
        _check_trust_statement(statement)
    return document


def check_permissions(text: str) -> Document:
    """Read an identity policy: inline, managed, or of a session.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    document = _parsed(text, "Syntax errors in policy.")
    _check_frame(document)
    for statement in statements(document):
        _check_statement(statement)
        _check_permission_statement(statement)
    return document


def _parsed(text: str, complaint: str) -> Document:
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except ValueError:
        raise malformed_policy(complaint) from None
    if not isinstance(document, dict):
        raise malformed_policy(complaint)
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _check_frame(document: Document) -> None:
    if not set(document) <= _TOP_LEVEL or document.get("Version", "2008-10-17") not in _VERSIONS:
        raise _syntax_error()
    found = as_list(document.get("Statement", []))
    if not found or not all(isinstance(statement, dict) for statement in found):
        raise _syntax_error()
    sids = [statement["Sid"] for statement in found if statement.get("Sid")]
    if len(sids) != len(set(map(str, sids))):
        raise malformed_policy("Statement IDs (SID) in a single policy must be unique.")


def _check_statement(statement: Statement) -> None:
    if not set(statement) <= _ELEMENTS or statement.get("Effect") not in {"Allow", "Deny"}:
        raise _syntax_error()
    if not isinstance(statement.get("Sid", ""), str) or not _SID.fullmatch(statement.get("Sid", "")):
        raise _syntax_error()
    _check_exclusive(statement, "Action", "NotAction")
    _check_exclusive(statement, "Resource", "NotResource")
    actions = _strings(statement, "Action") + _strings(statement, "NotAction")
    if not actions:
        raise malformed_policy("Policy statement must contain actions.")
    for action in actions:
        _check_action(action)
    _check_condition(statement.get("Condition", {}))


def _check_exclusive(statement: Statement, one: str, other: str) -> None:
    if one in statement and other in statement:
        raise _syntax_error()


def _check_action(action: str) -> None:
    if ":" not in action and action != "*":
        raise malformed_policy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if action.count(":") > 1:
        raise malformed_policy("Actions/Condition can contain only one colon.")
    if not _ACTION.fullmatch(action):
        raise _syntax_error()


def _check_condition(condition: Any) -> None:
    if not isinstance(condition, dict):
        raise _syntax_error()
    for operator, block in condition.items():
        if not is_operator(operator) or not isinstance(block, dict):
            raise _syntax_error()
        for value in block.values():
            if not all(isinstance(item, str | bool | int | float) for item in as_list(value)):
                raise _syntax_error()


def _check_trust_statement(statement: Statement) -> None:
    for element in ("NotPrincipal", "NotAction"):
        if element in statement:
            raise not_modelled(f"{element} in a trust policy")
    if "Principal" not in statement:
        raise malformed_policy("Missing required field Principal")
    if "Resource" in statement or "NotResource" in statement:
        raise malformed_policy("Has prohibited field Resource")
    for action in _strings(statement, "Action"):
        if not any(fnmatch.fnmatchcase(known.lower(), action.lower()) for known in _TRUST_ACTIONS):
            raise malformed_policy("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_permission_statement(statement: Statement) -> None:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise malformed_policy("Policy document should not specify a principal.")
    resources = _strings(statement, "Resource") + _strings(statement, "NotResource")
    if not resources:
        raise malformed_policy("Policy statement must contain resources.")
    for resource in resources:
        _check_resource(resource)


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    _, *fields = resource.split(":", 5)
    if not fields:
        raise malformed_policy(f'Resource {resource} must be in ARN format or "*".')
    if fields[0] not in _PARTITIONS:
        arn = ":".join(["arn", *fields, *"*" * (_ARN_FIELDS - len(fields))])
        raise malformed_policy(f'Partition "{fields[0]}" is not valid for resource "{arn}".')
    if len(fields) < _ARN_FIELDS or not fields[1]:
        raise malformed_policy("The policy failed legacy parsing")
    if fields[1] == "iam":
        _check_iam_resource(resource, region=fields[2], path=fields[4])


def _check_iam_resource(resource: str, *, region: str, path: str) -> None:
    if region:
        raise malformed_policy(f"IAM resource {resource} cannot contain region information.")
    if not path.startswith(("*", *_IAM_RESOURCES)):
        kinds = ", ".join(_IAM_RESOURCES)
        raise malformed_policy(f'IAM resource path must either be "*" or start with {kinds}.')


def _strings(statement: Statement, element: str) -> list[str]:
    values = as_list(statement.get(element, []))
    if not all(isinstance(value, str) for value in values):
        raise _syntax_error()
    return values


def _syntax_error() -> AwsError:
    return malformed_policy("Syntax errors in policy.")
