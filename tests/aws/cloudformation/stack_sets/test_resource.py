"""`AWS::CloudFormation::StackSet` in a stack.

Source: schema and handlers of the resource, in aws-cloudformation-resource-providers-cloudformation on GitHub, and
"AWS::CloudFormation::StackSet" in the CloudFormation template reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.stack_sets.deployed import (
    AUTOMATIC,
    REGION,
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    roles,
)
from tests.aws.cloudformation.templates import NAMED, template

if TYPE_CHECKING:
    from sandbox.aws.organizations.builder import OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed

RESOURCE = "Members"


@pytest.fixture
def driven(sets: Deployed) -> Driven:
    """Stacks in the management account."""
    return Driven(sets.cfn, sets.clock)


def stack_template(sets: Deployed, *paths: str, body: str | None = None, **properties: Any) -> str:
    """A template with a stack set that is deployed to some units."""
    group = {"DeploymentTargets": sets.targets(*paths), "Regions": [REGION]}
    given = {
        "StackSetName": SET,
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": AUTOMATIC,
        "Capabilities": NAMED,
        "TemplateBody": body or member_template(),
        "StackInstancesGroup": [group],
    }
    resource = {"Type": "AWS::CloudFormation::StackSet", "Properties": {**given, **properties}}
    return template({RESOURCE: resource}, Outputs={"Id": {"Value": {"Ref": RESOURCE}}})


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


def test_another_name_makes_another_stack_set_in_its_place(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    named = member_template({"Ref": "Name"})
    body = json.dumps({"Parameters": {"Name": {"Type": "String"}}, **json.loads(named)})
    values = [{"ParameterKey": "Name", "ParameterValue": name} for name in ("first", "second")]
    driven.create(stack_template(sets, "Workloads", body=body, Parameters=values[:1]))
    driven.finish()
    driven.update(stack_template(sets, "Workloads", body=body, Parameters=values[1:], StackSetName="other"))
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    found = sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]
    assert [one["StackSetName"] for one in found] == ["other"]
    assert roles(account) == ["second"]
