from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import FrontDoor, ManualClock
from tests.aws.identities import allowing, create_role, document, trusting
from tests.aws.sessions import assume, client_for, session_key

if TYPE_CHECKING:
    from sandbox.aws import Account
    from sandbox.aws.identity.callers import AccessKey


@pytest.fixture
def member(aws: FrontDoor) -> Account:
    return aws.create_account()


@pytest.fixture
def management(aws: FrontDoor) -> Account:
    return aws.create_account()


@pytest.fixture
def operator(aws: FrontDoor, member: Account) -> AccessKey:
    """A session of the role `operator` in the member account."""
    return session_key(assume(aws, member.credentials, operator_role(member)))


def operator_role(member: Account) -> str:
    """The role `operator` of the member account, which may assume whatever trusts it."""
    may = allowing("sts:AssumeRole")
    return create_role(member.client("iam"), "operator", trusting({"AWS": member.account_id}), may=may)


def delete_operator_role(member: Account) -> None:
    member.client("iam").delete_role_policy(RoleName="operator", PolicyName="may")
    member.client("iam").delete_role(RoleName="operator")


def target(management: Account, trust: str, **more: Any) -> str:
    return create_role(management.client("iam"), "target", trust, **more)


def refusal(aws: FrontDoor, key: AccessKey, role: str, **more: Any) -> str:
    with pytest.raises(ClientError) as caught:
        assume(aws, key, role, **more)
    return caught.value.response["Error"]["Code"]


def test_a_session_acts_in_the_account_of_its_role(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": member.account_id}), may=allowing("iam:ListRoles"))
    key = session_key(assume(aws, operator, role))
    iam = client_for(aws, key, "iam")
    assert [found["RoleName"] for found in iam.list_roles()["Roles"]] == ["target"]
    iam.close()


def test_trust_in_an_account_is_trust_in_each_of_its_principals(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": member.account_id}))
    assert assume(aws, operator, role)
    assert assume(aws, member.credentials, role)


def test_trust_in_a_role_is_no_trust_in_the_rest_of_its_account(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": f"{member.arn_prefix}role/operator"}))
    assert assume(aws, operator, role)
    assert refusal(aws, member.credentials, role) == "AccessDenied"


def test_trust_in_a_session_is_no_trust_in_others_of_the_same_role(
    aws: FrontDoor, member: Account, management: Account
) -> None:
    own = operator_role(member)
    arn = f"arn:aws:sts::{member.account_id}:assumed-role/operator/named"
    role = target(management, trusting({"AWS": arn}))
    named, other = (session_key(assume(aws, member.credentials, own, name)) for name in ("named", "other"))
    assert assume(aws, named, role)
    assert refusal(aws, other, role) == "AccessDenied"


def test_trust_in_the_administrator_by_name_is_kept(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    administrator = f"{member.arn_prefix}user/administrator"
    role = target(management, trusting({"AWS": administrator}))
    assert assume(aws, member.credentials, role)
    assert refusal(aws, operator, role) == "AccessDenied"


def test_trust_in_a_role_ends_when_the_role_is_made_anew(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    arn = f"{member.arn_prefix}role/operator"
    role = target(management, trusting({"AWS": arn}))
    assert assume(aws, operator, role)
    delete_operator_role(member)
    operator_role(member)
    successor = session_key(assume(aws, member.credentials, arn))
    assert refusal(aws, successor, role) == "AccessDenied"
    management.client("iam").update_assume_role_policy(RoleName="target", PolicyDocument=trusting({"AWS": arn}))
    assert assume(aws, successor, role)


def test_trust_by_principal_arn_outlives_a_role_made_anew(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    arn = f"{member.arn_prefix}role/operator"
    role = target(management, trusting({"AWS": member.account_id}, {"ArnEquals": {"aws:PrincipalArn": arn}}))
    assert assume(aws, operator, role)
    assert refusal(aws, member.credentials, role) == "AccessDenied"
    delete_operator_role(member)
    operator_role(member)
    assert assume(aws, session_key(assume(aws, member.credentials, arn)), role)


def test_another_account_is_not_trusted(aws: FrontDoor, management: Account, operator: AccessKey) -> None:
    role = target(management, trusting({"AWS": management.account_id}))
    assert refusal(aws, operator, role) == "AccessDenied"


def test_no_trust_reaches_into_another_partition(aws: FrontDoor, member: Account, operator: AccessKey) -> None:
    abroad = aws.create_account("aws-cn")
    role = target(abroad, trusting("*"))
    assert refusal(aws, operator, role) == "AccessDenied"
    assert refusal(aws, member.credentials, role) == "AccessDenied"


def test_a_session_of_another_partition_cannot_be_trusted(aws: FrontDoor, operator: AccessKey) -> None:
    abroad = aws.create_account("aws-cn")
    for arn in (operator.caller.arn, operator.caller.arn.replace("arn:aws:", "arn:aws-cn:")):
        with pytest.raises(ClientError, match="Invalid principal in policy"):
            target(abroad, trusting({"AWS": arn}))


def test_a_denial_outweighs_what_is_allowed(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": member.account_id}, "Action": "sts:AssumeRole"}
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": f"{member.arn_prefix}role/operator"},
        "Action": "sts:*",
    }
    role = target(management, document(allow, deny))
    assert assume(aws, member.credentials, role)
    assert refusal(aws, operator, role) == "AccessDenied"


def test_trust_for_web_identities_is_no_trust_for_principals(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": member.account_id}, None, "sts:AssumeRoleWithWebIdentity"))
    assert refusal(aws, operator, role) == "AccessDenied"


def test_a_condition_key_that_is_not_modelled_is_refused_by_name(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": member.account_id}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    with pytest.raises(ClientError, match="condition key aws:MultiFactorAuthPresent"):
        assume(aws, operator, role)


def test_a_chained_session_lasts_one_hour_at_most(
    aws: FrontDoor, member: Account, management: Account, operator: AccessKey
) -> None:
    role = target(management, trusting({"AWS": member.account_id}), MaxSessionDuration=7200)
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chaining"):
        assume(aws, operator, role, DurationSeconds=3601)
    assert assume(aws, member.credentials, role, DurationSeconds=7200)


def test_a_session_lasts_no_longer_than_its_role_allows(aws: FrontDoor, member: Account, management: Account) -> None:
    role = target(management, trusting({"AWS": member.account_id}))
    with pytest.raises(ClientError, match="exceeds the MaxSessionDuration set for this role"):
        assume(aws, member.credentials, role, DurationSeconds=3601)


def test_a_session_lasts_one_hour_by_default(
    aws: FrontDoor, member: Account, management: Account, clock: ManualClock
) -> None:
    role = target(management, trusting({"AWS": member.account_id}))
    expiration = assume(aws, member.credentials, role)["Credentials"]["Expiration"]
    assert (expiration - clock()).total_seconds() == pytest.approx(3600, abs=1)


def test_a_managed_session_policy_has_to_exist(aws: FrontDoor, member: Account, management: Account) -> None:
    role = target(management, trusting({"AWS": member.account_id}))
    arn = f"{management.arn_prefix}policy/limits"
    assert refusal(aws, member.credentials, role, PolicyArns=[{"arn": arn}]) == "MalformedPolicyDocument"
    management.client("iam").create_policy(PolicyName="limits", PolicyDocument=allowing())
    assert assume(aws, member.credentials, role, PolicyArns=[{"arn": arn}])
