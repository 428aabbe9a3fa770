"""What becomes of a stack whose stack set cannot be made, changed or deleted, and of one that was changed by hand.

Source: schema and handlers of the resource, in aws-cloudformation-resource-providers-cloudformation on GitHub, and
cloudformation-coverage-roadmap there on stack sets in suspended accounts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.aws.cloudformation.stack_sets.deployed import (
    BY_HAND,
    READ_ONLY,
    RESOURCE,
    ROLE,
    SET,
    SUCCEEDED,
    member_template,
    obstruct,
    roles,
    stack_template,
)
from tests.aws.cloudformation.templates import NAMED, failing_role, given, template

if TYPE_CHECKING:
    from sandbox.aws import OrganizationBuilder
    from tests.aws.cloudformation.driving import Driven
    from tests.aws.cloudformation.stack_sets.deployed import Deployed


def reason(driven: Driven, status: str, stack: str = "stack") -> str:
    """Why the stack set came to a status."""
    found = (why for whose, what, why in driven.events(stack) if (whose, what) == (RESOURCE, status))
    return next(found)


def test_an_account_that_fails_fails_the_stack_which_says_why(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    obstruct(account)
    stack = driven.create(stack_template(sets, "Workloads"))
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert re.match(
        r'Resource handler returned message: "Stack set operation \[[0-9a-f-]{36}\] was unexpectedly stopped or failed.'
        rf" status reason\(s\): \[ResourceLogicalId:Role, .*'{ROLE}' already exists.\]\" \(RequestToken: .*,"
        r" HandlerErrorCode: NotStabilized\)",
        reason(driven, "CREATE_FAILED", stack),
    )


def test_a_stack_set_that_failed_is_rolled_back(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    good, bad = company.accounts("Workloads", 2)
    obstruct(bad)
    driven.create(stack_template(sets, "Workloads", OperationPreferences={"MaxConcurrentCount": 2}))
    driven.finish()
    assert sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"] == []
    assert roles(good) == []


def test_failures_that_are_tolerated_do_not_fail_the_stack(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    good, bad = company.accounts("Workloads", 2)
    obstruct(bad)
    driven.create(stack_template(sets, "Workloads", OperationPreferences={"FailureTolerancePercentage": 100}))
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"
    assert sets.instances() == {good.account_id: SUCCEEDED, bad.account_id: ("OUTDATED", "FAILED")}


def test_a_reason_that_is_long_is_cut_off(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    company.accounts("Workloads", 4)
    wishes = {"MaxConcurrentCount": 4, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}
    body = template({"Role": failing_role(ROLE)})
    stack = driven.create(stack_template(sets, "Workloads", body=body, OperationPreferences=wishes))
    driven.finish()
    told = reason(driven, "CREATE_FAILED", stack)
    assert '... Use list-stack-set-operation-results for more information."' in told
    assert len(told) < 1150


def test_an_update_that_fails_is_taken_back_in_every_account(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    good, bad = company.accounts("Workloads", 2)
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    obstruct(bad, "renamed")
    driven.update(stack_template(sets, "Workloads", body=member_template("renamed")))
    assert driven.finish()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sets.instances() == {good.account_id: SUCCEEDED, bad.account_id: SUCCEEDED}
    assert (roles(good), roles(bad)) == ([ROLE], [ROLE, "renamed"])


def test_a_unit_that_fails_gives_way_to_the_one_before_it(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    old, new = company.account("Old"), company.account("New")
    obstruct(new)
    driven.create(stack_template(sets, "Old"))
    driven.finish()
    driven.update(stack_template(sets, "New"))
    assert driven.finish()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sets.instances() == {old.account_id: SUCCEEDED}
    assert roles(old) == [ROLE]


def test_access_that_is_off_fails_the_stack(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    company.account("Workloads")
    sets.cfn.deactivate_organizations_access()
    stack = driven.create(stack_template(sets, "Workloads"))
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert re.match(
        r'Resource handler returned message: "You must enable organizations access to operate a service managed stack'
        r" set \(Service: CloudFormation, Status Code: 400, .*HandlerErrorCode: InvalidRequest\)",
        reason(driven, "CREATE_FAILED", stack),
    )


def test_a_name_that_is_taken_fails_the_stack(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    company.account("Workloads")
    sets.create()
    stack = driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    assert reason(driven, "CREATE_FAILED", stack).startswith(
        f"Resource handler returned message: \"Resource of type 'AWS::CloudFormation::StackSet' with identifier '{SET}'"
        ' already exists."'
    )
    assert [one["StackSetName"] for one in sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]] == [SET]


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"TemplateBody": {"Ref": "AWS::NoValue"}}, "Either Template URL or Template Body must be specified."),
        ({"Capabilities": []}, r"Requires capabilities : \[CAPABILITY_NAMED_IAM\]"),
        ({"Parameters": given(Other="a")}, "Parameter values specified for a template which does not require them."),
        ({"PermissionModel": "SELF_MANAGED"}, "PermissionModel SELF_MANAGED is not modelled by this sandbox"),
        (
            {"StackInstancesGroup": [{"DeploymentTargets": {}, "Regions": ["us-east-1"]}]},
            r"OrganizationalUnitIds should be specified in DeploymentTargets in \[SERVICE_MANAGED\] model",
        ),
        (
            {"StackInstancesGroup": [{"DeploymentTargets": {"Accounts": ["1"]}, "Regions": ["us-east-1"]}]},
            "Accounts of DeploymentTargets in a template is not modelled",
        ),
        ({"OperationPreferences": {"Speed": 1}}, "expected type: OperationPreferences, found: Dict"),
        ({"StackInstancesGroup": [{"Regions": ["us-east-1"]}]}, "expected type: Array of StackInstances"),
    ],
)
def test_properties_that_do_not_fit_fail_the_stack(
    company: OrganizationBuilder, sets: Deployed, driven: Driven, properties: dict[str, Any], why: str
) -> None:
    company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads", **properties), DisableValidation=True)
    driven.finish()
    assert re.search(why, reason(driven, "CREATE_FAILED", stack))
    assert sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"] == []


def test_a_target_that_comes_twice_fails_the_stack(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    unit = company.unit("Workloads").id
    group = {"DeploymentTargets": sets.targets("Workloads"), "Regions": ["us-east-1"]}
    stack = driven.create(stack_template(sets, "Workloads", StackInstancesGroup=[group, group]))
    driven.finish()
    assert f"Stack instance [{unit},us-east-1] is duplicated" in reason(driven, "CREATE_FAILED", stack)


def test_a_stack_set_within_a_stack_set_is_refused(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads", body=stack_template(sets, "Workloads")))
    driven.finish()
    assert "Nested AWS::CloudFormation::StackSet is not supported" in reason(driven, "CREATE_FAILED", stack)


def test_a_stack_that_an_account_keeps_fails_the_deletion(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish()["StackStatus"] == "DELETE_FAILED"
    assert "must detach all policies first" in reason(driven, "DELETE_FAILED")
    account.client("iam").detach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    stack = driven.stack()["StackId"]
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_a_suspended_account_fails_the_deletion(company: OrganizationBuilder, sets: Deployed, driven: Driven) -> None:
    account = company.account("Workloads")
    stack = driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    company.suspend(account)
    driven.cfn.delete_stack(StackName="stack")
    assert driven.finish()["StackStatus"] == "DELETE_FAILED"
    assert "StackSet is not empty (Service: CloudFormation, Status Code: 409" in reason(driven, "DELETE_FAILED")
    driven.cfn.delete_stack(StackName="stack", DeletionMode="FORCE_DELETE_STACK")
    assert driven.finish(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert [one["StackSetName"] for one in sets.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]] == [SET]


def detected(driven: Driven) -> Any:
    """What drift detection finds of the stack set."""
    driven.cfn.detect_stack_drift(StackName="stack")
    driven.finish()
    (found,) = driven.cfn.describe_stack_resource_drifts(StackName="stack")["StackResourceDrifts"]
    return found


def test_a_stack_set_as_it_was_made_has_not_drifted(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    more: dict[str, Any] = {
        "Description": "text",
        "ManagedExecution": {"Active": False},
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    driven.create(stack_template(sets, "Workloads", **more), Tags=[{"Key": "owner", "Value": "b"}])
    driven.finish()
    assert detected(driven)["StackResourceDriftStatus"] == "IN_SYNC"


def test_a_stack_set_that_is_changed_by_hand_has_drifted(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    sets.update(AutoDeployment=BY_HAND)
    found = detected(driven)
    assert found["StackResourceDriftStatus"] == "MODIFIED"
    assert [one["PropertyPath"] for one in found["PropertyDifferences"]] == ["/AutoDeployment/Enabled"]


def test_instances_that_are_deleted_by_hand_are_no_drift(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    sets.remove("Workloads")
    assert detected(driven)["StackResourceDriftStatus"] == "IN_SYNC"


def test_a_stack_set_that_is_deleted_by_hand_is_made_again_by_reverting_drift(
    company: OrganizationBuilder, sets: Deployed, driven: Driven
) -> None:
    account = company.account("Workloads")
    driven.create(stack_template(sets, "Workloads"))
    driven.finish()
    sets.remove("Workloads")
    sets.cfn.delete_stack_set(StackSetName=SET)
    assert detected(driven)["StackResourceDriftStatus"] == "DELETED"
    change_set = driven.cfn.create_change_set(
        StackName="stack",
        ChangeSetName="again",
        UsePreviousTemplate=True,
        Capabilities=NAMED,
        DeploymentMode="REVERT_DRIFT",
    )["Id"]
    driven.finish()
    driven.cfn.execute_change_set(ChangeSetName=change_set)
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    assert sets.instances() == {account.account_id: SUCCEEDED}
