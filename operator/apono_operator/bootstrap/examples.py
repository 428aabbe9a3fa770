"""The policy documents filled for an example: what ``docs/iam`` holds, for people to read and to copy from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apono_operator.bootstrap import boundaries, management_boundaries, member_account, names, rights, trusts
from apono_operator.bootstrap.documents import Right, filled, policy
from apono_operator.templates import management_account
from apono_operator.v1alpha1 import PermissionSet


def documents() -> dict[str, Any]:
    """Return the documents by file name, those of the management account below ``management/``."""
    blank = {
        "boundary-full-access.json": boundaries.full_access(require_boundary=True),
        "boundary-granted.json": boundaries.granted(),
        "boundary-read-only.json": boundaries.read_only(),
        "operator-policy.json": _policy(rights.OPERATOR_RIGHTS),
        "operator-policy-organization.json": _policy(rights.ORGANIZATION_RIGHTS),
        "operator-trust.json": trusts.OPERATOR,
        "management/boundary-full-access.json": management_boundaries.of(PermissionSet.FULL_ACCESS),
        "management/boundary-read-only.json": management_boundaries.of(PermissionSet.READ_ONLY),
        "management/cloudformation-policy.json": _policy(rights.SERVICE_ROLE_RIGHTS),
        "management/cloudformation-policy-members.json": _policy(rights.STACK_SET_RIGHTS),
        "management/cloudformation-trust.json": trusts.CLOUDFORMATION,
        "management/operator-policy.json": _policy(rights.management_rights(template_body=False)),
        "management/operator-trust.json": trusts.MANAGEMENT,
    }
    return {name: filled(one, _example(name)) for name, one in blank.items()}


def _policy(table: Iterable[Right]) -> Any:
    return policy(one.statement for one in table)


_CONNECTORS_ACCOUNT, _MANAGEMENT_ACCOUNT = "123456789012", "999988887777"


def _example(name: str) -> dict[str, Any]:
    is_of_management = name.startswith("management/")
    account = _MANAGEMENT_ACCOUNT if is_of_management else _CONNECTORS_ACCOUNT
    own_arn = f"arn:aws:iam::{_MANAGEMENT_ACCOUNT}"
    return {
        "partition": "aws",
        "account": account,
        "issuer": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
        "granted": names.GRANTED_BOUNDARY,
        "namespace": "apono",
        "service_account": "apono-operator",
        "clusters": ["arn:*:eks:*:*:access-entry/my-cluster/*", "arn:*:eks:*:*:cluster/my-cluster"],
        "operator_account": _CONNECTORS_ACCOUNT,
        "operator_role": f"arn:aws:iam::{_CONNECTORS_ACCOUNT}:role/{names.OPERATOR_ROLE_PREFIX}-my-cluster",
        "organization": "o-k012345a67",
        "external_id": "an-id-for-this-pair-of-accounts",
        "template_url": f"https://my-bucket.s3.amazonaws.com/{management_account.FILE_NAME}",
        "template_object": f"arn:aws:s3:::my-bucket/{management_account.FILE_NAME}",
        "attached": [one.format(partition="aws") for one in rights.ATTACHED],
        "member_template_object": f"arn:aws:s3:::my-bucket/{member_account.FILE_NAME}",
        "member_template_url": f"https://my-bucket.s3.amazonaws.com/{member_account.FILE_NAME}",
        "management_roles": f"{own_arn}:role/{names.MANAGEMENT_ROLE}",
        "management_boundaries": [f"{own_arn}:policy/{names.management_boundary(one)}" for one in PermissionSet],
    }
