"""Mode Organization: one manifest becomes a role here and a stack in the management account, and goes again."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Call, Fault, access_denied
from tests.aws.sessions import assume
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import CHILD, NAME, condition_of, role_in
from tests.waiting import PATIENCE, until

TEMPLATE_OF_OTHERS = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]
"""


def message_of(scenario: OrganizationScenario) -> str:
    return scenario.message("ManagementStackReady")


def look_again(scenario: OrganizationScenario, when: str = "now") -> None:
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": when}}})


def stack_name(scenario: OrganizationScenario) -> str:
    stack_id: str = scenario.connector()["status"]["managementStackId"]
    return stack_id.split("/")[1]


# --- what becomes of a manifest ---------------------------------------------------------------------------------------


def test_one_manifest_makes_both_roles_and_tells_both_arns(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    status = scenario.apply_ready()["status"]

    account, management = scenario.account.account_id, scenario.management.account_id
    assert status["connectorRoleArn"].startswith(f"arn:aws:iam::{account}:role/apono-connector-")
    assert status["managementAccountRoleArn"].startswith(f"arn:aws:iam::{management}:role/apono-management-")
    stack = scenario.stack()
    assert stack is not None
    assert stack["StackStatus"] == status["managementStackStatus"] == "CREATE_COMPLETE"
    assert scenario.role() is not None
    assert scenario.management_role() is not None


def test_the_connector_alone_becomes_the_management_role(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    role_arn = scenario.apply_ready()["status"]["managementAccountRoleArn"]

    assert assume(scenario.aws, scenario.as_connector(), role_arn)
    for stranger in (scenario.account, scenario.management, scenario.aws.create_account()):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(scenario.aws, stranger.credentials, role_arn)


def test_another_connector_of_the_account_does_not_become_the_management_role(
    shared_organization: OrganizationScenario,
) -> None:
    scenario = shared_organization
    role_arn = scenario.apply_ready()["status"]["managementAccountRoleArn"]
    other = scenario.apply_ready("other")

    with pytest.raises(ClientError, match="AccessDenied"):
        assume(scenario.aws, scenario.as_connector(other), role_arn)


def test_the_connector_leaves_the_management_role_with_the_organization(organization: OrganizationScenario) -> None:
    role_arn = organization.apply_ready()["status"]["managementAccountRoleArn"]

    organization.organization.leave(organization.account)

    with pytest.raises(ClientError, match="AccessDenied"):
        assume(organization.aws, organization.as_connector(), role_arn)


@pytest.mark.parametrize("permissions", ["ReadOnly", "FullAccess"])
def test_the_management_role_carries_the_boundary_of_its_permission_set(
    shared_organization: OrganizationScenario, permissions: str
) -> None:
    scenario = shared_organization
    role = scenario.management_role(scenario.apply_ready(permissions.lower(), permissions=permissions))

    assert role is not None
    assert role.boundary == scenario.entry["permissionsBoundaries"][permissions]


def test_the_connector_role_holds_the_management_rights_in_neither_permission_set(
    shared_organization: OrganizationScenario,
) -> None:
    role = shared_organization.role(shared_organization.apply_ready("fullaccess", permissions="FullAccess"))

    assert role is not None
    assert role.attached == frozenset()
    assert "identitystore:" not in str(role.inline)


def test_cloudformation_makes_the_management_role_by_its_own_role(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    role_arn = scenario.apply_ready()["status"]["managementAccountRoleArn"]

    created = scenario.aws.calls.of(
        operation="CreateRole", account=scenario.management, parameters={"RoleName": role_arn.rpartition("/")[2]}
    )
    own = scenario.entry["cloudFormationRoleArn"].rpartition("/")[2]
    assert [(call.caller or "").split("/")[1] for call in created] == [own]


def test_the_cluster_shows_both_arns_in_a_line(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    status = scenario.apply_ready()["status"]

    wide = scenario.installation.control_plane.kubectl(
        "get", "apc", NAME, "-n", scenario.cluster.namespace, "-o", "wide"
    )

    assert status["connectorRoleArn"] in wide
    assert status["managementAccountRoleArn"] in wide


# --- progress ---------------------------------------------------------------------------------------------------------


def test_progress_shows_while_the_stack_is_made(organization: OrganizationScenario) -> None:
    organization.aws.stack_step_seconds = 1
    organization.create_token()
    organization.apply()

    connector = organization.condition("ManagementStackReady", "False", "StackInProgress")
    stack_id = organization.stack_id()
    until(
        "its status shows",
        lambda: organization.connector()["status"].get("managementStackStatus") == "CREATE_IN_PROGRESS",
    )
    assert condition_of(connector, "Reconciling")["status"] == "True"
    assert "managementAccountRoleArn" not in connector["status"]

    ready = organization.ready(seconds=PATIENCE)
    assert ready["status"]["managementStackId"] == stack_id
    assert ready["status"]["managementStackStatus"] == "CREATE_COMPLETE"
    for reason in ("StackInProgress", "StackInSync", "ConnectorReady"):
        until(f"an Event tells of {reason}", lambda reason=reason: organization.events(reason))  # type: ignore[misc]


# --- deletion ---------------------------------------------------------------------------------------------------------


def test_deletion_takes_the_stack_then_its_role_then_the_connector_role(organization: OrganizationScenario) -> None:
    status = organization.apply_ready()["status"]
    mark = organization.aws.calls.mark()

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert organization.connector_stacks() == {}
    assert organization.management_roles() == []
    assert organization.connector_roles() == []
    organization.stack_is("DELETE_COMPLETE", status["managementStackId"])
    done, own_role = organization.aws.calls.since(mark), status["connectorRoleArn"].rpartition("/")[2]
    order = [
        done.of(operation="DeleteStack", outcome="ok")[0].number,
        done.of(operation="DeleteRole", account=organization.management, outcome="ok")[0].number,
        done.of(operation="DeleteRole", parameters={"RoleName": own_role}, outcome="ok")[0].number,
    ]
    assert order == sorted(order)


def test_the_connector_role_stays_until_the_stack_is_gone(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    stack_id, own_arn = connector["status"]["managementStackId"], connector["status"]["connectorRoleArn"]
    seen: list[str] = []

    def look(call: Call) -> None:
        if own_arn.endswith(f"/{call.parameters['RoleName']}"):
            stack = organization.stack(stack_id)
            seen.append(stack["StackStatus"] if stack else "none")

    organization.aws.hooks.before(look, operation="DeleteRole", account=organization.account)
    organization.aws.stack_step_seconds = 0.5
    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert seen == ["DELETE_COMPLETE"]


def test_deletion_while_the_stack_is_made_leaves_nothing(organization: OrganizationScenario) -> None:
    organization.aws.stack_step_seconds = 1
    organization.create_token()
    organization.apply()
    stack_id = organization.stack_is("CREATE_IN_PROGRESS", seconds=PATIENCE)["StackId"]

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=90)

    organization.stack_is("DELETE_COMPLETE", stack_id)
    assert organization.management_roles() == []
    assert organization.connector_roles() == []


def test_a_deletion_before_the_stack_exists_leaves_nothing(organization: OrganizationScenario) -> None:
    fault = Fault(access_denied(), operation="CreateChangeSet", account=organization.management, times=None)
    with organization.aws.faults.during(fault):
        organization.create_token()
        organization.apply()
        organization.condition("ManagementStackReady", "False", "AccessDenied")

        organization.cluster.delete("AponoConnector", NAME)
        organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert organization.connector_stacks() == {}
    assert organization.connector_roles() == []


def test_retain_leaves_the_stack_and_both_roles(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready(deletionPolicy="Retain")
    before = (organization.role(connector), organization.management_role(connector))
    name = stack_name(organization)

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME)

    assert None not in before
    assert (organization.role(connector), organization.management_role(connector)) == before
    assert organization.connector_stacks() == {name: "CREATE_COMPLETE"}


def test_a_protected_stack_blocks_the_deletion_and_is_told(organization: OrganizationScenario) -> None:
    name = stack_name_of_ready(organization)
    organization.stacks.update_termination_protection(StackName=name, EnableTerminationProtection=True)

    organization.cluster.delete("AponoConnector", NAME)
    connector = organization.condition("DeletionBlocked", "True", "StackProtected")

    assert name in condition_of(connector, "DeletionBlocked")["message"]
    assert organization.role(connector) is not None
    organization.stacks.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    assert organization.connector_stacks() == {}


def stack_name_of_ready(scenario: OrganizationScenario) -> str:
    scenario.apply_ready()
    return stack_name(scenario)


# --- what is not granted ----------------------------------------------------------------------------------------------


def test_a_namespace_that_is_not_granted_the_account_is_refused_without_anyones_ids(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization(management_account={"namespaces": ["somebody-elses"]})
    scenario.create_token()
    scenario.apply()

    connector = scenario.condition("Accepted", "False", "NotPermitted")

    told = condition_of(connector, "Accepted")["message"]
    assert "is not granted a management account" in told
    for secret in (scenario.management.account_id, "somebody-elses", scenario.unit, "connector-operator"):
        assert secret not in str(connector["status"])
    assert scenario.connector_stacks() == {}
    assert scenario.connector_roles() == []


def test_a_unit_that_is_not_granted_is_refused_without_anyones_ids(
    shared_organization: OrganizationScenario,
) -> None:
    scenario = shared_organization
    other = scenario.organization.unit("Other")
    before = scenario.connector_stacks()
    scenario.create_token()
    scenario.apply("other-unit", target=scenario.target(organizationUnitId=other.id))

    connector = scenario.condition("Accepted", "False", "NotPermitted", name="other-unit")

    assert f"is not granted the unit {other.id}" in condition_of(connector, "Accepted")["message"]
    for secret in (scenario.management.account_id, scenario.unit, scenario.organization.root_id, "connector-operator"):
        assert secret not in str(connector["status"]).replace(other.id, "")
    assert scenario.connector_stacks() == before


# --- changes and drift ------------------------------------------------------------------------------------------------


def test_another_permission_set_is_an_update_in_place(organization: OrganizationScenario) -> None:
    first = organization.apply_ready(permissions="ReadOnly")
    before = organization.management_role(first)

    second = organization.apply_ready(permissions="FullAccess")

    after = organization.management_role(second)
    assert before is not None
    assert after is not None
    assert after.document["RoleId"] == before.document["RoleId"]
    assert after.boundary == organization.entry["permissionsBoundaries"]["FullAccess"]
    assert after.inline != before.inline
    assert second["status"]["managementStackId"] == first["status"]["managementStackId"]
    assert second["status"]["managementStackStatus"] == "UPDATE_COMPLETE"


def test_a_stack_that_is_changed_by_hand_comes_back(organization: OrganizationScenario) -> None:
    name = stack_name_of_ready(organization)
    stack = organization.stack(name)
    assert stack is not None
    kept = [one["ParameterKey"] for one in stack["Parameters"] if one["ParameterKey"] != "Permissions"]
    parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
    organization.stacks.update_stack(
        StackName=name,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[*parameters, {"ParameterKey": "Permissions", "ParameterValue": "FullAccess"}],
    )
    organization.stack_is("UPDATE_COMPLETE")

    look_again(organization)

    def permissions() -> str:
        seen = organization.stack(name)
        assert seen is not None
        return next(str(one["ParameterValue"]) for one in seen["Parameters"] if one["ParameterKey"] == "Permissions")

    until("the stack is as the manifest asks", lambda: permissions() == "ReadOnly", seconds=PATIENCE)
    organization.ready(seconds=PATIENCE)


def test_a_stack_that_is_deleted_by_hand_comes_back(organization: OrganizationScenario) -> None:
    first = organization.apply_ready()
    stack_id = first["status"]["managementStackId"]
    organization.stacks.delete_stack(StackName=stack_id)
    organization.stack_is("DELETE_COMPLETE", stack_id)

    look_again(organization)

    until("there is another stack", lambda: organization.stack_id() != stack_id, 40)
    second = organization.ready(seconds=PATIENCE)
    assert organization.management_role(second) is not None
    assert assume(organization.aws, organization.as_connector(), second["status"]["managementAccountRoleArn"])


def test_a_stack_of_our_name_that_is_not_ours_is_left_alone(organization: OrganizationScenario) -> None:
    name = stack_name_of_ready(organization)
    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    organization.stacks.create_stack(
        StackName=name, TemplateBody=TEMPLATE_OF_OTHERS, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    foreign = organization.stack_is("CREATE_COMPLETE", name)

    organization.apply()
    organization.condition("ManagementStackReady", "False", "NameConflict")

    assert name in message_of(organization)
    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    assert organization.stack(name) == foreign
    assert organization.connector_roles() == []


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_creation_that_fails_shows_its_first_failure_and_is_made_anew_when_it_is_asked_for(
    organization: OrganizationScenario,
) -> None:
    denial = access_denied("CloudFormation is not authorized to perform: iam:CreateRole")
    fault = Fault(denial, operation="CreateRole", account=organization.management, times=None)
    with organization.aws.faults.during(fault):
        organization.create_token()
        organization.apply()
        organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)

        assert "ManagementRole" in message_of(organization)
        assert "iam:CreateRole" in message_of(organization)
        failed = organization.connector()["status"]["managementStackId"]

    look_again(organization)

    connector = organization.ready(seconds=PATIENCE)
    assert connector["status"]["managementStackId"] != failed
    assert organization.management_role(connector) is not None


def test_a_management_account_that_shuts_the_operator_out_is_told(organization: OrganizationScenario) -> None:
    fault = Fault(access_denied(), operation="AssumeRole", account=organization.account, times=None)
    with organization.aws.faults.during(fault):
        organization.create_token()
        organization.apply()
        organization.condition("ManagementStackReady", "False", "AccessDenied")

        assert organization.entry["roleArn"] in message_of(organization)

    organization.ready(seconds=PATIENCE)


# --- quiet ------------------------------------------------------------------------------------------------------------


def test_a_look_with_nothing_to_do_costs_three_calls_and_writes_nothing(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization(values={"resyncSeconds": 10})
    scenario.apply_ready()
    settled = versions(scenario)
    mark = scenario.aws.calls.mark()

    until("a resync has passed", lambda: "DescribeStacks" in scenario.management_calls(mark).operations, seconds=20)
    until("it is over", lambda: "GetRolePolicy" in scenario.operator_calls(mark).operations, seconds=20)

    assert scenario.operator_calls(mark).operations == ["GetRole", "GetRolePolicy"]
    assert scenario.management_calls(mark).operations == ["DescribeStacks"]
    assert versions(scenario) == settled


def versions(scenario: OrganizationScenario) -> dict[str, str]:
    kinds = {"AponoConnector": NAME, "Deployment": CHILD, "ServiceAccount": CHILD, "Secret": CHILD}
    found = {kind: scenario.cluster.get(kind, name) for kind, name in kinds.items()}
    return {kind: str(one["metadata"]["resourceVersion"]) for kind, one in found.items() if one}


def test_roles_of_others_in_the_management_account_are_as_before(organization: OrganizationScenario) -> None:
    trust = organization.entry["cloudFormationRoleArn"].rpartition("/")[2]
    before = role_in(organization.management, trust)

    organization.apply_ready()
    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert role_in(organization.management, trust) == before
