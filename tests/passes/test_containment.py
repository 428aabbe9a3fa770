"""The boundary of a role whose manifest is refused: whose it is shows by the role's own policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import (
    INLINE_POLICY_NAME,
    organization_permissions_document,
    permissions_document,
)
from apono_operator.v1alpha1 import PermissionSet
from tests.adapters.aws.connection import allowing, customer_policy
from tests.passes.passes import Passes

OF_AN_ORGANIZATION = organization_permissions_document("aws")
OF_AN_ACCOUNT = permissions_document(PermissionSet.FULL_ACCESS, "aws")


def refuse(passes: Passes, policy: PolicyDocument, boundary: str) -> None:
    """Give the connector's role *policy* and *boundary*, and have the manifest refused from now on."""
    passes.settle()
    role = {"RoleName": passes.role_name}
    passes.iam.put_role_policy(**role, PolicyName=INLINE_POLICY_NAME, PolicyDocument=policy.json)
    arn = customer_policy(passes.connection.account, boundary)
    passes.iam.put_role_permissions_boundary(**role, PermissionsBoundary=arn)
    passes.change(deployment={"image": "registry.example.com/not-granted:1"})


def boundaries(passes: Passes, **names: str) -> None:
    """Let the administrator have these boundaries, by permission set."""
    arns = {PermissionSet(one): customer_policy(passes.connection.account, name) for one, name in names.items()}
    administration = passes.environment.administration.model_copy(update={"permissions_boundaries": arns})
    passes.environment = replace(passes.environment, administration=administration)


def boundary_of(passes: Passes) -> str:
    arn: str = passes.iam.get_role(RoleName=passes.role_name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    return arn.rpartition("/")[2]


@pytest.mark.parametrize("carried", ["full", "reading"])
def test_an_organizations_connector_keeps_the_boundary_of_either_set(passes: Passes, carried: str) -> None:
    refuse(passes, OF_AN_ORGANIZATION, carried)
    boundaries(passes, FullAccess="full", ReadOnly="reading")

    assert passes.writes() == []
    assert boundary_of(passes) == carried


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({"FullAccess": "full", "ReadOnly": "reading"}, "reading"),
        ({"FullAccess": "full"}, "full"),
    ],
    ids=["the strictest", "the only one"],
)
def test_an_organizations_connector_with_a_boundary_of_before_is_given(
    passes: Passes, configured: dict[str, str], expected: str
) -> None:
    refuse(passes, OF_AN_ORGANIZATION, "before")
    boundaries(passes, **configured)

    assert passes.writes() == ["PutRolePermissionsBoundary"]
    assert boundary_of(passes) == expected


def test_an_accounts_connector_is_given_the_boundary_of_its_own_set(passes: Passes) -> None:
    refuse(passes, OF_AN_ACCOUNT, "reading")
    boundaries(passes, FullAccess="full", ReadOnly="reading")

    assert passes.writes() == ["PutRolePermissionsBoundary"]
    assert boundary_of(passes) == "full"


def test_a_role_whose_policy_is_nobodys_keeps_its_boundary(passes: Passes) -> None:
    refuse(passes, allowing("s3:GetObject"), "before")
    boundaries(passes, FullAccess="full", ReadOnly="reading")

    assert passes.writes() == []
    assert boundary_of(passes) == "before"
