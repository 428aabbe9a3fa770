"""`AWS::CloudFormation::StackSet` in a stack.

Source: schema and handlers of the resource, in aws-cloudformation-resource-providers-cloudformation on GitHub, and
"AWS::CloudFormation::StackSet" in the CloudFormation template reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.aws.cloudformation.stack_sets.deployed import (
    REGION,
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    roles,
    stack_template,
)
from tests.aws.cloudformation.templates import given
from tests.aws.identities import allowing, create_role, trusting

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor, OrganizationBuilder
    from tests.aws.cloudformation.driving import Driven
    from tests.aws.cloudformation.stack_sets.deployed import Deployed


def test_a_stack_makes_a_stack_set_with_its_instances(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    stack = driven.finish()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["StackSetId"]
    assert sets.instances() == {account.account_id: SUCCEEDED}
    assert roles(account) == [ROLE]


def test_a_stack_is_complete_when_all_its_instances_are(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    accounts = company.accounts("Workloads", 2)
    driven.create(stack_template(sets, "Workloads"))
    while driven.status() == "CREATE_IN_PROGRESS":
        driven.clock.advance(10)
    assert driven.status() == "CREATE_COMPLETE"
    assert sets.instances() == dict.fromkeys(ids(*accounts), SUCCEEDED)


def test_a_stack_is_deleted_with_its_instances_and_its_stack_set(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert roles(account) == []
    assert sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"] == []


def test_another_unit_takes_the_place_of_one(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    old, new = company.account("Old"), company.account("New")
    driven.create(stack_template(sets, "Old"))
    before = driven.finish()
    driven.update(stack_template(sets, "New"))
    after = driven.finish()
    assert after["StackStatus"] == "UPDATE_COMPLETE"
    assert after["Outputs"] == before["Outputs"]
    assert sets.accounts() == ids(new)
    assert (roles(old), roles(new)) == ([], [ROLE])


def test_another_template_is_brought_to_every_account(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    driven.update(stack_template(sets, "Workloads", body=member_template(Description="new")))
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    assert account.client("iam").get_role(RoleName=ROLE)["Role"]["Description"] == "new"


def test_what_overrides_a_parameter_is_changed_in_place(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    body = json.dumps({"Parameters": {"Name": {"Type": "String", "Default": "a"}}} | json.loads(named_by_parameter()))
    group = {"DeploymentTargets": sets.targets("Workloads"), "Regions": [REGION]}
    driven.create(stack_template(sets, body=body, StackInstancesGroup=[group]))
    driven.finish()
    overridden = {**group, "ParameterOverrides": given(Name="b")}
    driven.update(stack_template(sets, body=body, StackInstancesGroup=[overridden]))
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    assert roles(account) == ["b"]
    driven.update(stack_template(sets, body=body, StackInstancesGroup=[group]))
    driven.finish()
    assert roles(account) == ["a"]


def named_by_parameter() -> str:
    return member_template({"Ref": "Name"})


def test_how_an_operation_proceeds_is_said_in_the_template(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    wishes = {"FailureToleranceCount": "1", "MaxConcurrentCount": "2"}
    driven.create(stack_template(sets, "Workloads", OperationPreferences=wishes))
    driven.finish()
    assert sets.latest()["OperationPreferences"] == {"FailureToleranceCount": 1, "MaxConcurrentCount": 2}


def test_all_else_is_changed_in_place(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    company.account("Workloads")
    driven.create(stack_template(sets, "Workloads", Description="old"))
    before = driven.finish()
    automatic = {"Enabled": True, "RetainStacksOnAccountRemoval": True}
    tags = [{"Key": "team", "Value": "a"}]
    changed: dict[str, Any] = {
        "Description": "new",
        "AutoDeployment": automatic,
        "ManagedExecution": {"Active": True},
        "Tags": tags,
    }
    driven.update(stack_template(sets, "Workloads", **changed))
    after = driven.finish()
    assert (after["StackStatus"], after["Outputs"]) == ("UPDATE_COMPLETE", before["Outputs"])
    shown = sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]
    assert {name: shown[name] for name in changed} == changed


def test_a_stack_sets_tags_are_those_of_its_stack(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    company.account("Workloads")
    tags = [{"Key": "team", "Value": "a"}]
    driven.create(stack_template(sets, "Workloads"), Tags=tags)
    driven.finish()
    assert sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["Tags"] == tags


def test_a_stack_set_is_made_by_the_stacks_service_role(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    iam = company.management.client("iam")
    service = create_role(iam, "service", trusting({"Service": "cloudformation.amazonaws.com"}))
    iam.put_role_policy(RoleName="service", PolicyName="all", PolicyDocument=allowing("*", "*"))
    url = "https://templates.s3.us-east-1.amazonaws.com/member.yaml"
    aws.templates[url] = member_template()
    driven.create(
        stack_template(sets, "Workloads", TemplateURL=url, TemplateBody={"Ref": "AWS::NoValue"}), RoleARN=service
    )
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"
    session = f"arn:aws:sts::{company.management.account_id}:assumed-role/service/AWSCloudFormation"
    (created,) = aws.calls.of(operation="CreateStackSet")
    assert (created.caller, created.parameters["TemplateURL"]) == (session, url)
    (instances,) = aws.calls.of(operation="CreateStackInstances")
    assert instances.caller == session


def test_a_stack_set_waits_for_an_operation_that_goes_on_already(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    sets.cfn.update_stack_set(
        StackSetName=SET, TemplateBody=member_template("other"), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    driven.update(stack_template(sets, "Workloads", body=member_template("renamed")))
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    assert roles(account) == ["renamed"]


def test_a_stack_that_is_deleted_while_it_is_made_takes_its_stack_set_along(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads"))
    while sets.cfn.list_stack_sets()["Summaries"] == []:
        driven.clock.advance(10)
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert roles(account) == []
    assert sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"] == []


def test_a_stack_set_that_was_deleted_by_hand_does_not_hold_up_a_deletion(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    sets.remove("Workloads")
    sets.cfn.delete_stack_set(StackSetName=SET)
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_another_name_makes_another_stack_set_in_its_place(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    body = json.dumps({"Parameters": {"Name": {"Type": "String"}}} | json.loads(named_by_parameter()))
    driven.create(stack_template(sets, "Workloads", body=body, Parameters=given(Name="first")))
    driven.finish()
    renamed: dict[str, Any] = {"Parameters": given(Name="second"), "StackSetName": "other"}
    driven.update(stack_template(sets, "Workloads", body=body, **renamed))
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    found = sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]
    assert [one["StackSetName"] for one in found] == ["other"]
    assert roles(account) == ["second"]
