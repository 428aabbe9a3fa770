"""The template of the project, in an organization's management account, as the operator will use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.templates import NAMED, given
from tests.aws.identities import allowing, create_role, trusting
from tests.aws.sessions import assume, client_for, session_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws import Account, FrontDoor, ManualClock, Organization
    from sandbox.aws.identity.callers import AccessKey

TEMPLATE = Path(__file__).parents[3] / "operator/apono_operator/templates/management-account.yaml"
URL = "https://apono-templates.s3.us-east-1.amazonaws.com/management-account.yaml"
STACK = "apono-connector-a"


@pytest.fixture
def management(account: Account) -> Account:
    return account


@pytest.fixture
def member(aws: FrontDoor, organization: Organization) -> Account:
    """The account of the cluster."""
    member = aws.create_account()
    organization.join(member, organization.unit("Workloads"))
    return member


@pytest.fixture
def connector(aws: FrontDoor, member: Account) -> AccessKey:
    """A session of the connector's role."""
    trust, may = trusting({"AWS": member.account_id}), allowing("sts:AssumeRole")
    arn = create_role(member.client("iam"), "apono-connector-a", trust, may=may)
    return session_key(assume(aws, member.credentials, arn))


@pytest.fixture
def bootstrap(aws: FrontDoor, management: Account, member: Account, clock: ManualClock) -> Iterator[Driven]:
    """CloudFormation, through the role that the operator assumes in the management account."""
    own, may = trusting({"AWS": member.account_id}), allowing("sts:AssumeRole")
    operator = create_role(member.client("iam"), "apono-operator", own, may=may)
    trust = trusting({"AWS": member.account_id}, {"StringEquals": {"sts:ExternalId": "agreed"}})
    role = create_role(management.client("iam"), "connector-operator-management", trust, may=allowing("*"))
    key = session_key(assume(aws, member.credentials, operator, "operator"))
    client = client_for(aws, session_key(assume(aws, key, role, "operator", ExternalId="agreed")), "cloudformation")
    yield Driven(client, clock)
    client.close()


@pytest.fixture
def wanted(aws: FrontDoor, management: Account, organization: Organization, connector: AccessKey) -> dict[str, Any]:
    """The request for a change set that makes the stack."""
    aws.stack_step_seconds = 5
    aws.templates[URL] = TEMPLATE.read_text()
    iam = management.client("iam")
    service = trusting({"Service": "cloudformation.amazonaws.com"})
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=allowing("sso:*"))["Policy"]["Arn"]
    account_id = connector.caller.account_id
    return {
        "StackName": STACK,
        "ChangeSetName": "first",
        "ChangeSetType": "CREATE",
        "ClientToken": "uid-1-1",
        "TemplateURL": URL,
        "Capabilities": NAMED,
        "RoleARN": create_role(iam, "connector-operator-cloudformation", service, may=allowing("iam:*")),
        "OnStackFailure": "ROLLBACK",
        "Tags": [{"Key": "apono.io/uid", "Value": "uid"}],
        "Parameters": given(
            AponoConnectorId="connector-a",
            ConnectorRoleArn=f"arn:aws:iam::{account_id}:role/apono-connector-a",
            OrganizationId=organization.id,
            OrganizationUnitId=organization.root_id,
            Permissions="FullAccess",
            PermissionsBoundaryArn=boundary,
        ),
    }


@pytest.fixture
def made(bootstrap: Driven, wanted: dict[str, Any]) -> Any:
    """The stack, made by a change set."""
    bootstrap.cfn.create_change_set(**wanted)
    bootstrap.finish(STACK)
    bootstrap.cfn.execute_change_set(StackName=STACK, ChangeSetName="first", ClientRequestToken="uid-1-2")
    return bootstrap.finish(STACK)


def again(wanted: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The request for a further change set."""
    kept = {name: value for name, value in wanted.items() if name != "OnStackFailure"}
    return {**kept, "ChangeSetName": "second", "ChangeSetType": "UPDATE", "ClientToken": "uid-2-1", **changed}


def role_of(stack: Any) -> str:
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return str(outputs["ManagementAccountRoleArnOutput"])


def test_the_parameters_of_the_template_are_told_before_it_is_used(bootstrap: Driven, wanted: dict[str, Any]) -> None:
    summary = bootstrap.cfn.get_template_summary(TemplateURL=URL)
    needed = {one["ParameterKey"] for one in summary["Parameters"] if "DefaultValue" not in one}
    assert needed == {parameter["ParameterKey"] for parameter in wanted["Parameters"]}
    assert summary["Capabilities"] == NAMED


def test_the_connector_assumes_the_role_that_the_stack_makes(aws: FrontDoor, made: Any, connector: AccessKey) -> None:
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert role_of(made).endswith(":role/apono-management-connector-a")
    assert assume(aws, connector, role_of(made))


def test_the_role_of_the_stack_is_closed_to_everybody_else(
    aws: FrontDoor, made: Any, member: Account, management: Account
) -> None:
    for stranger in (member, management, aws.create_account()):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(aws, stranger.credentials, role_of(made))


def test_the_role_of_the_stack_is_closed_to_the_connector_outside_the_organization(
    aws: FrontDoor, made: Any, organization: Organization, connector: AccessKey
) -> None:
    organization.leave(connector.caller)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(aws, connector, role_of(made))


def test_the_stack_acts_by_the_role_it_was_given(aws: FrontDoor, made: Any, management: Account) -> None:
    assert made["StackStatus"] == "CREATE_COMPLETE"
    created = aws.calls.of(operation="CreateRole", parameters={"RoleName": "apono-management-connector-a"})
    session = f"arn:aws:sts::{management.account_id}:assumed-role/connector-operator-cloudformation/AWSCloudFormation"
    assert [(call.caller, call.outcome) for call in created] == [(session, "ok")]


def test_the_same_wish_again_is_no_change(bootstrap: Driven, made: Any, wanted: dict[str, Any]) -> None:
    assert made["StackStatus"] == "CREATE_COMPLETE"
    change_set = bootstrap.cfn.create_change_set(**again(wanted, DeploymentMode="REVERT_DRIFT"))["Id"]
    bootstrap.finish(STACK)
    found = bootstrap.cfn.describe_change_set(ChangeSetName=change_set)
    assert (found["Status"], found["StatusReason"][:44]) == ("FAILED", "The submitted information didn't contain cha")


def test_what_is_changed_by_hand_is_taken_back(
    bootstrap: Driven, made: Any, wanted: dict[str, Any], management: Account, aws: FrontDoor, connector: AccessKey
) -> None:
    management.client("iam").update_assume_role_policy(
        RoleName="apono-management-connector-a", PolicyDocument=trusting({"AWS": management.account_id})
    )
    change_set = bootstrap.cfn.create_change_set(**again(wanted, DeploymentMode="REVERT_DRIFT"))["Id"]
    bootstrap.finish(STACK)
    bootstrap.cfn.execute_change_set(ChangeSetName=change_set)
    assert bootstrap.finish(STACK)["StackStatus"] == "UPDATE_COMPLETE"
    assert assume(aws, connector, role_of(made))


def test_a_parameter_that_the_template_refuses_makes_nothing(bootstrap: Driven, wanted: dict[str, Any]) -> None:
    wanted["Parameters"] += given(ManagementRoleName="administrator")
    with pytest.raises(ClientError, match="'ManagementRoleName' failed to satisfy constraint"):
        bootstrap.cfn.create_change_set(**wanted)
    with pytest.raises(ClientError, match="does not exist"):
        bootstrap.cfn.describe_stacks(StackName=STACK)


def test_the_stack_goes_with_its_role(bootstrap: Driven, made: Any, management: Account) -> None:
    bootstrap.cfn.delete_stack(StackName=STACK, ClientRequestToken="uid-3-1")
    assert bootstrap.finish(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    names = [role["RoleName"] for role in management.client("iam").list_roles()["Roles"]]
    assert names == ["connector-operator-cloudformation", "connector-operator-management"]
