"""Each management account is configured without a contradiction, and is told to nobody whom it is not for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from apono_operator.state.finding import Refusal
from apono_operator.state.management_accounts import ManagementAccount, management_account_for, twice_configured
from apono_operator.v1alpha1 import PermissionSet, Reason

ACCOUNT = "999988887777"
OTHER = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/connector-operator-management"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/connector-boundary-management-ReadOnly"
UNIT = "ou-1a2b-12345678"
URL = "https://bucket.s3.amazonaws.com/management-account.yaml?versionId=a"


def entry(**changes: Any) -> dict[str, Any]:
    """An entry as it is written; members changed to None are left out."""
    usual = {
        "accountId": ACCOUNT,
        "roleArn": ROLE,
        "externalId": "0123456789abcdef",
        "cloudFormationRoleArn": f"arn:aws:iam::{ACCOUNT}:role/path/connector-operator-cloudformation",
        "region": "eu-west-1",
        "templateUrl": URL,
        "permissionsBoundaries": {"ReadOnly": BOUNDARY},
        "allowedUnits": ["r-1a2b", UNIT],
        "namespaces": ["team-*"],
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def account(**changes: Any) -> ManagementAccount:
    return ManagementAccount.model_validate(entry(**changes))


def of(account_id: str, **changes: Any) -> ManagementAccount:
    """The same in another account."""
    arns = {
        "roleArn": f"arn:aws:iam::{account_id}:role/way-in",
        "cloudFormationRoleArn": f"arn:aws:iam::{account_id}:role/service",
        "permissionsBoundaries": {"ReadOnly": f"arn:aws:iam::{account_id}:policy/boundary"},
    }
    return account(accountId=account_id, **{**arns, **changes})


def test_an_entry_says_all_there_is_to_know_of_an_account() -> None:
    found = account(permissionsBoundaries={"ReadOnly": BOUNDARY, "FullAccess": BOUNDARY})

    assert found.account_id == ACCOUNT
    assert found.role_arn == ROLE
    assert found.template_url == URL
    assert found.permissions_boundaries[PermissionSet.FULL_ACCESS] == BOUNDARY
    assert found.allowed_units == ("r-1a2b", UNIT)
    assert found.partition == "aws"


def test_a_template_makes_nothing_but_roles_policies_and_stack_sets_if_nobody_says_more() -> None:
    assert account().allowed_resource_types == (
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::CloudFormation::StackSet",
    )
    assert account().allowed_capabilities == ("CAPABILITY_NAMED_IAM", "CAPABILITY_IAM")


def test_roles_in_member_accounts_are_made_only_from_a_template_that_is_named() -> None:
    longest = f"https://{'a' * 1016}"

    assert account().member_template_url is None
    assert account(memberTemplateUrl=longest).member_template_url == longest


@pytest.mark.parametrize("source", [{"templateFile": "/etc/apono/template.yaml"}, {"sendTemplateBody": True}])
def test_the_template_may_be_a_file_or_the_operators_own(source: dict[str, Any]) -> None:
    assert account(templateUrl=None, **source).template_url is None


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "ap-southeast-2"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
)
def test_an_account_may_be_in_any_partition(partition: str, region: str) -> None:
    prefix = f"arn:{partition}:iam::{ACCOUNT}:"

    found = account(
        roleArn=f"{prefix}role/way-in",
        cloudFormationRoleArn=f"{prefix}role/service",
        permissionsBoundaries={"ReadOnly": f"{prefix}policy/boundary"},
        region=region,
    )

    assert found.partition == partition


def test_the_external_id_is_not_shown() -> None:
    assert "0123456789abcdef" not in repr(account())


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an account's name": ({"accountId": "production"}, "must be the 12 digits of the account's id"),
    "an account's id of other digits": ({"accountId": "१२३४५६७८९०१२"}, "must be the 12 digits of the account's id"),
    "a role's name": ({"roleArn": "way-in"}, "must be a role's ARN: arn:aws:iam::123456789012:role/name"),
    "a pattern of roles": ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/*"}, "must be a role's ARN"),
    "a role of another account": (
        {"roleArn": f"arn:aws:iam::{OTHER}:role/way-in"},
        f"roleArn must be an ARN of the account {ACCOUNT}, which accountId names",
    ),
    "a service role of another account": (
        {"cloudFormationRoleArn": f"arn:aws:iam::{OTHER}:role/service"},
        f"cloudFormationRoleArn must be an ARN of the account {ACCOUNT}",
    ),
    "a boundary of another account": (
        {"permissionsBoundaries": {"ReadOnly": f"arn:aws:iam::{OTHER}:policy/boundary"}},
        f"permissionsBoundaries.ReadOnly must be an ARN of the account {ACCOUNT}",
    ),
    "a boundary of AWS": (
        {"permissionsBoundaries": {"ReadOnly": "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
        "must be the ARN of a policy of the management account",
    ),
    "a role of another partition": (
        {"roleArn": f"arn:aws-cn:iam::{ACCOUNT}:role/way-in"},
        "roleArn must begin with arn:aws:, as the region eu-west-1 asks",
    ),
    "a region of another partition": ({"region": "us-gov-west-1"}, "roleArn must begin with arn:aws-us-gov:"),
    "a role that connectors may assume": (
        {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/apono-management"},
        "roleArn must not be called apono-*: connectors may assume roles of such names",
    ),
    "a service role that stacks may change": (
        {"cloudFormationRoleArn": f"arn:aws:iam::{ACCOUNT}:role/apono-cfn"},
        "cloudFormationRoleArn must not be called apono-*",
    ),
    "a short external id": ({"externalId": "a"}, "must be 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -"),
    "an external id with a line break": ({"externalId": "0123456789\n"}, "must be 2 to 1224 of"),
    "a long external id": ({"externalId": "a" * 1225}, "must be 2 to 1224 of"),
    "a region's name": ({"region": "Ireland"}, "must be a region: eu-west-1"),
    "no template": ({"templateUrl": None}, "needs one of templateUrl (https://...), templateFile"),
    "a template that is not sent": ({"templateUrl": None, "sendTemplateBody": False}, "needs one of templateUrl"),
    "two templates": ({"sendTemplateBody": True}, "needs one of templateUrl"),
    "a template without encryption": ({"templateUrl": "http://a"}, "must be an https:// URL that CloudFormation reads"),
    "a template of members without encryption": ({"memberTemplateUrl": "http://a"}, "must be an https:// URL"),
    "a template of members with a pattern": ({"memberTemplateUrl": "https://bucket/*"}, "must be an https:// URL"),
    "a template of members that is too long a name": (
        {"memberTemplateUrl": f"https://{'a' * 1017}"},
        "must be an https:// URL",
    ),
    "a template in a bucket": ({"templateUrl": "s3://bucket/key"}, "must be an https:// URL"),
    "a relative path": ({"templateUrl": None, "templateFile": "a.yaml"}, "must be an absolute path in the operator's"),
    "no unit": ({"allowedUnits": []}, "should have at least 1 item"),
    "a pattern of units": (
        {"allowedUnits": ["ou-*"]},
        "each must be the id of a root (r-1a2b) or of an organizational",
    ),
    "a unit's name": ({"allowedUnits": [UNIT, "Production"]}, "no pattern"),
    "no namespace": ({"namespaces": []}, "should have at least 1 item"),
    "a pattern of types": ({"allowedResourceTypes": ["AWS::IAM::*"]}, "each must be a resource's type: AWS::IAM::Role"),
    "a capability that there is not": (
        {"allowedCapabilities": ["CAPABILITY_ALL"]},
        "Input should be 'CAPABILITY_NAMED",
    ),
    "a permission set that there is not": ({"permissionsBoundaries": {"Admin": BOUNDARY}}, "Input should be 'FullAcc"),
    "a member that there is not": ({"roleARN": ROLE}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_clear_is_refused_with_what_to_write(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        account(**changes)

    assert message in str(refusal.value)


@pytest.mark.parametrize("name", [name for name in entry() if name != "templateUrl"])
def test_everything_but_the_template_s_source_has_to_be_said(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"{name}\n  Field required"):
        account(**{name: None})


def test_an_account_that_is_configured_twice_is_found() -> None:
    assert twice_configured([of(ACCOUNT), of(OTHER)]) is None
    assert twice_configured([of(ACCOUNT), of(OTHER), of(ACCOUNT, namespaces=["other"])]) == ACCOUNT


def refused(*accounts: ManagementAccount, asked: str | None = None, unit: str = UNIT) -> Refusal:
    found = management_account_for(accounts, "team-a", asked, unit)
    assert isinstance(found, Refusal)
    return found


def test_the_only_account_that_a_namespace_is_granted_is_taken_if_none_is_named() -> None:
    ours, others = of(ACCOUNT), of(OTHER, namespaces=["other-*"])

    assert management_account_for([others, ours], "team-a", None, UNIT) is ours
    assert management_account_for([others, ours], "other-a", None, UNIT) is others


def test_of_several_accounts_the_named_one_is_taken() -> None:
    first, second = of(ACCOUNT), of(OTHER)

    assert management_account_for([first, second], "team-a", OTHER, UNIT) is second


def test_of_several_accounts_one_has_to_be_named() -> None:
    refusal = refused(of(ACCOUNT), of(OTHER), of("444455556666", namespaces=["other"]))

    assert refusal.reason is Reason.INVALID_SPEC
    assert f"spec.target.managementAccountId which of them is meant: {OTHER}, {ACCOUNT}." in refusal.message


def test_whether_an_account_exists_is_not_told_to_whom_it_is_not_for() -> None:
    hidden = refused(of(ACCOUNT, namespaces=["other"]), asked=ACCOUNT)
    missing = refused(asked=ACCOUNT)

    assert hidden == missing
    assert hidden.reason is Reason.NOT_PERMITTED
    assert f"namespace team-a is not granted the management account {ACCOUNT}" in hidden.message


def test_an_account_of_others_is_not_named_in_place_of_one() -> None:
    refusal = refused(of(ACCOUNT, namespaces=["other"]))

    assert refusal.reason is Reason.NOT_PERMITTED
    assert "namespace team-a is not granted a management account" in refusal.message
    assert ACCOUNT not in refusal.message


def test_a_unit_that_the_account_is_not_configured_for_is_refused() -> None:
    refusal = refused(of(ACCOUNT), unit="ou-1a2b-87654321")

    assert refusal.reason is Reason.NOT_PERMITTED
    assert "is not granted the unit ou-1a2b-87654321. Correct spec.target.organizationUnitId" in refusal.message
    assert UNIT not in refusal.message


def test_a_unit_below_an_allowed_root_is_not_allowed_by_it() -> None:
    assert refused(of(ACCOUNT, allowedUnits=["r-1a2b"])).reason is Reason.NOT_PERMITTED
