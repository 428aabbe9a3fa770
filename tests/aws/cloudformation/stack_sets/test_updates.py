"""Stack sets changed, and parameters overridden in some of their accounts.

Source: `UpdateStackSet` and `UpdateStackInstances` in the CloudFormation API reference, and "Override parameters on
stack instances" in the CloudFormation user guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.stack_sets.deployed import (
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    obstruct,
    roles,
    stacks,
)
from tests.aws.cloudformation.templates import NAMED, given

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor, OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed


def parametrised(**more: Any) -> str:
    """A template whose role's description is a parameter's value."""
    body = json.loads(member_template(Description={"Ref": "Text"}))
    parameters = {"Text": {"Type": "String", "Default": "default"}, **more}
    return json.dumps({"Parameters": parameters, **body})


def text(account: Account) -> str:
    return str(account.client("iam").get_role(RoleName=ROLE)["Role"]["Description"])


def overrides(sets: Deployed, account: Account) -> dict[str, str]:
    found = sets.instance(account)["ParameterOverrides"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in found}


def test_another_template_is_brought_to_every_account(company: OrganizationBuilder, sets: Deployed) -> None:
    accounts = company.accounts("Workloads", 2)
    sets.create()
    sets.deploy("Workloads")
    assert sets.update(member_template("renamed"))["Status"] == "SUCCEEDED"
    assert [roles(account) for account in accounts] == [["renamed"]] * 2
    assert sets.instances() == dict.fromkeys(ids(*accounts), SUCCEEDED)


def test_a_template_is_found_by_its_address(company: OrganizationBuilder, sets: Deployed, aws: FrontDoor) -> None:
    account = company.account("Workloads")
    url = "https://templates.s3.us-east-1.amazonaws.com/member.yaml"
    aws.templates[url] = member_template()
    sets.cfn.create_stack_set(
        StackSetName=SET,
        PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": True},
        TemplateURL=url,
        Capabilities=NAMED,
    )
    sets.deploy("Workloads")
    assert roles(account) == [ROLE]
    aws.templates[url] = member_template("renamed")
    sets.update(TemplateURL=url, UsePreviousTemplate=False)
    assert roles(account) == ["renamed"]


def test_instances_are_outdated_until_the_update_has_reached_them(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.accounts("Workloads", 2)
    sets.create()
    sets.deploy("Workloads")
    sets.cfn.update_stack_set(StackSetName=SET, TemplateBody=member_template("renamed"), Capabilities=NAMED)
    assert sets.instances() == dict.fromkeys(ids(first, second), ("OUTDATED", "PENDING"))
    while sets.instances()[first.account_id] != SUCCEEDED:
        sets.clock.advance(10)
    assert sets.instances()[second.account_id][0] == "OUTDATED"


def test_an_update_of_some_units_leaves_the_others_outdated(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.account("First"), company.account("Second")
    sets.create()
    sets.deploy("First", "Second")
    sets.update(member_template("renamed"), DeploymentTargets=sets.targets("First"), Regions=["us-east-1"])
    assert (roles(first), roles(second)) == (["renamed"], [ROLE])
    assert sets.instances()[second.account_id] == ("OUTDATED", "SUCCEEDED")


def test_an_update_of_nothing_changes_no_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    before = account.client("cloudformation").describe_stacks()["Stacks"]
    assert sets.update()["Status"] == "SUCCEEDED"
    assert account.client("cloudformation").describe_stacks()["Stacks"] == before


def test_a_stack_set_has_changed_even_if_its_instances_could_not(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    obstruct(account, "renamed")
    assert sets.update(member_template("renamed"))["Status"] == "FAILED"
    body = sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["TemplateBody"]
    assert body == member_template("renamed")
    assert stacks(account)[0][1] == "UPDATE_ROLLBACK_COMPLETE"
    assert sets.instances() == {account.account_id: ("OUTDATED", "FAILED")}


@pytest.mark.parametrize(
    "refused",
    [
        {"OperationPreferences": {"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 1}},
        {"AutoDeployment": {"Enabled": False, "RetainStacksOnAccountRemoval": True}},
        {"Capabilities": []},
    ],
)
def test_an_update_that_is_refused_changes_nothing(
    company: OrganizationBuilder, sets: Deployed, refused: dict[str, Any]
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    before = sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]
    with pytest.raises(ClientError):
        sets.update(member_template("renamed"), Description="new", **refused)
    assert sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"] == before
    assert sets.instances() == {account.account_id: SUCCEEDED}


def test_outdated_instances_are_tried_again_by_the_next_update(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    obstruct(account, "renamed")
    sets.update(member_template("renamed"))
    account.client("iam").delete_role(RoleName="renamed")
    assert sets.update()["Status"] == "SUCCEEDED"
    assert roles(account) == ["renamed"]


def test_parameters_of_a_stack_set_are_for_every_account(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(parametrised(), Parameters=given(Text="first"))
    sets.deploy("Workloads")
    assert text(account) == "first"
    sets.update(Parameters=given(Text="second"))
    assert text(account) == "second"


def test_a_parameter_is_overridden_where_it_is_said(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.account("First"), company.account("Second")
    sets.create(parametrised())
    sets.deploy("First", "Second")
    sets.finish(sets.begin("update_stack_instances", "First", ParameterOverrides=given(Text="first")))
    assert (text(first), text(second)) == ("first", "default")
    assert (overrides(sets, first), overrides(sets, second)) == ({"Text": "first"}, {})


def test_an_overridden_parameter_outlives_an_update(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(parametrised())
    sets.deploy("Workloads", ParameterOverrides=given(Text="override"))
    sets.update(Parameters=given(Text="changed"))
    assert text(account) == "override"


def test_an_overridden_parameter_goes_back_when_a_list_does_not_hold_it(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create(parametrised())
    sets.deploy("Workloads", ParameterOverrides=given(Text="override"))
    sets.finish(sets.begin("update_stack_instances", "Workloads", ParameterOverrides=[]))
    assert (text(account), overrides(sets, account)) == ("default", {})


def test_an_overridden_parameter_stays_when_nothing_is_said_of_it(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(parametrised(Other={"Type": "String", "Default": "a"}))
    sets.deploy("Workloads", ParameterOverrides=given(Text="override"))
    previous = [{"ParameterKey": name, "UsePreviousValue": True} for name in ("Text", "Other")]
    for unchanged in ({}, {"ParameterOverrides": previous}):
        sets.finish(sets.begin("update_stack_instances", "Workloads", **unchanged))
        assert overrides(sets, account) == {"Text": "override"}
    kept = [{"ParameterKey": "Text", "UsePreviousValue": True}, *given(Other="b")]
    sets.finish(sets.begin("update_stack_instances", "Workloads", ParameterOverrides=kept))
    assert overrides(sets, account) == {"Text": "override", "Other": "b"}


def test_a_parameter_that_the_template_has_not_cannot_be_overridden(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    company.account("Workloads")
    sets.create(parametrised())
    with pytest.raises(ClientError, match=r"Parameters: \[Other\] do not exist in the template"):
        sets.begin("create_stack_instances", "Workloads", ParameterOverrides=given(Other="a"))
    assert sets.instances() == {}


def test_a_value_that_the_template_refuses_fails_its_account(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(parametrised(Bound={"Type": "String", "Default": "a", "AllowedValues": ["a"]}))
    sets.deploy("Workloads", ParameterOverrides=given(Bound="b"))
    assert sets.instances() == {account.account_id: ("OUTDATED", "FAILED")}
    assert sets.instance(account)["StatusReason"] == "Parameter 'Bound' must be one of AllowedValues"


def test_instances_that_are_not_there_cannot_be_updated(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    with pytest.raises(ClientError, match="StackInstanceNotFoundException"):
        sets.begin("update_stack_instances", "Workloads")


def test_tags_of_a_stack_set_are_brought_to_every_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(Tags=[{"Key": "team", "Value": "a"}])
    sets.deploy("Workloads")
    sets.update(Tags=[{"Key": "team", "Value": "b"}])
    role = account.client("iam").get_role(RoleName=ROLE)["Role"]
    assert {"Key": "team", "Value": "b"} in role["Tags"]
