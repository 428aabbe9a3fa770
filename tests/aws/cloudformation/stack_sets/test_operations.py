"""How an operation of a stack set goes on, and what is told of it.

Source: "StackSets concepts", sections on operation options and status codes, in the CloudFormation user guide, and
`StackSetOperationPreferences` in the API reference.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Fault, Hang
from tests.aws.cloudformation.stack_sets.deployed import (
    BY_HAND,
    REGION,
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    obstruct,
    roles,
    stacks,
)
from tests.aws.cloudformation.templates import NAMED
from tests.waiting import until

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor, OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed

EXCEEDED = "Cancelled since failure tolerance has exceeded"


def most_at_once(sets: Deployed, operation: str) -> int:
    """How many accounts an operation works on at once, looked at step by step until it is over."""
    most = 0
    while sets.operation(operation)["Status"] == "RUNNING":
        running = [status for status, _ in sets.results(operation).values() if status == "RUNNING"]
        most = max(most, len(running))
        sets.clock.advance(10)
    return most


def test_an_operation_goes_step_by_step(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads")
    seen = []
    while sets.operation(operation)["Status"] == "RUNNING":
        seen.append((sets.instances()[account.account_id], sets.results(operation)[account.account_id][0]))
        sets.clock.advance(10)
    assert [one for one, _ in groupby(seen)] == [
        (("OUTDATED", "PENDING"), "PENDING"),
        (("OUTDATED", "RUNNING"), "RUNNING"),
    ]
    assert sets.operation(operation)["Status"] == "SUCCEEDED"
    assert sets.instances()[account.account_id] == SUCCEEDED


def test_an_operation_tells_when_it_began_and_ended(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads")
    assert "EndTimestamp" not in sets.operation(operation)
    ended = sets.finish(operation)
    assert (ended["EndTimestamp"] - ended["CreationTimestamp"]).total_seconds() == 50


def test_an_operation_tells_what_was_asked_for(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    stack_set_id = sets.create()
    wishes = {"FailureToleranceCount": 1, "MaxConcurrentPercentage": 50, "RegionOrder": [REGION]}
    shown = sets.deploy("Workloads", OperationPreferences=wishes, OperationId="mine")
    assert (shown["OperationId"], shown["StackSetId"], shown["Action"]) == ("mine", stack_set_id, "CREATE")
    assert (shown["OperationPreferences"], shown["DeploymentTargets"]) == (wishes, sets.targets("Workloads"))
    assert shown["StatusDetails"] == {"FailedStackInstancesCount": 0}


def test_accounts_are_worked_on_one_after_the_other(company: OrganizationBuilder, sets: Deployed) -> None:
    company.accounts("Workloads", 3)
    sets.create()
    assert most_at_once(sets, sets.begin("create_stack_instances", "Workloads")) == 1


@pytest.mark.parametrize(
    ("wishes", "most"),
    [
        ({"MaxConcurrentCount": 2, "FailureToleranceCount": 1}, 2),
        ({"MaxConcurrentCount": 3}, 1),
        ({"MaxConcurrentCount": 3, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}, 3),
        ({"MaxConcurrentPercentage": 67, "FailureTolerancePercentage": 100}, 2),
        ({"MaxConcurrentPercentage": 1, "FailureTolerancePercentage": 100}, 1),
    ],
)
def test_accounts_are_worked_on_as_many_at_once_as_is_preferred(
    company: OrganizationBuilder, sets: Deployed, wishes: dict[str, Any], most: int
) -> None:
    company.accounts("Workloads", 3)
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads", OperationPreferences=wishes)
    assert most_at_once(sets, operation) == most


def test_each_failure_lets_one_account_fewer_be_worked_on(company: OrganizationBuilder, sets: Deployed) -> None:
    bad, *_ = company.accounts("Workloads", 5)
    obstruct(bad)
    sets.create()
    wishes = {"MaxConcurrentCount": 3, "FailureToleranceCount": 2}
    operation = sets.begin("create_stack_instances", "Workloads", OperationPreferences=wishes)
    while sets.results(operation)[bad.account_id][0] != "FAILED":
        sets.clock.advance(10)
    assert most_at_once(sets, operation) == 2


def test_one_failure_cancels_the_rest(company: OrganizationBuilder, sets: Deployed) -> None:
    bad, *rest = company.accounts("Workloads", 3)
    obstruct(bad)
    sets.create()
    operation = sets.deploy("Workloads")
    assert (operation["Status"], operation["StatusDetails"]) == ("FAILED", {"FailedStackInstancesCount": 1})
    found = sets.results(operation["OperationId"])
    assert found[bad.account_id][0] == "FAILED"
    assert [found[account.account_id] for account in rest] == [("CANCELLED", EXCEEDED)] * 2
    assert sets.instances() == {
        bad.account_id: ("OUTDATED", "FAILED"),
        **dict.fromkeys(ids(*rest), ("OUTDATED", "CANCELLED")),
    }
    assert [stacks(account) for account in rest] == [[], []]


@pytest.mark.parametrize(
    ("wishes", "status"),
    [
        ({"FailureToleranceCount": 1}, "SUCCEEDED"),
        ({"FailureToleranceCount": 0}, "FAILED"),
        ({"FailureTolerancePercentage": 34}, "SUCCEEDED"),
        ({"FailureTolerancePercentage": 33}, "FAILED"),
    ],
)
def test_an_operation_succeeds_while_failures_are_tolerated(
    company: OrganizationBuilder, sets: Deployed, wishes: dict[str, Any], status: str
) -> None:
    bad, *_ = company.accounts("Workloads", 3)
    obstruct(bad)
    sets.create()
    operation = sets.deploy("Workloads", OperationPreferences=wishes)
    assert (operation["Status"], operation["StatusDetails"]["FailedStackInstancesCount"]) == (status, 1)


def test_failures_are_counted_in_each_region(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    regions = ["us-east-1", "eu-west-1"]
    sets.create()
    order = {"RegionOrder": ["eu-west-1", "us-east-1"], "FailureToleranceCount": 1}
    operation = sets.deploy("Workloads", Regions=regions, OperationPreferences=order)
    found = sets.cfn.list_stack_set_operation_results(StackSetName=SET, OperationId=operation["OperationId"])
    by_region = {one["Region"]: one["Status"] for one in found["Summaries"]}
    assert by_region == {"eu-west-1": "SUCCEEDED", "us-east-1": "FAILED"}  # the role's name is taken by then
    assert operation["Status"] == "SUCCEEDED"


def test_a_region_that_fails_cancels_those_after_it(company: OrganizationBuilder, sets: Deployed) -> None:
    obstruct(company.account("Workloads"))
    sets.create()
    operation = sets.deploy("Workloads", Regions=["us-east-1", "eu-west-1"])
    found = sets.cfn.list_stack_set_operation_results(StackSetName=SET, OperationId=operation["OperationId"])
    assert [one["Status"] for one in found["Summaries"]] == ["FAILED", "CANCELLED"]


@pytest.mark.parametrize(
    "refused",
    [
        {"OperationPreferences": {"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 1}},
        {"OperationPreferences": {"RegionOrder": ["eu-west-1"]}},
        {"ParameterOverrides": [{"ParameterKey": "Name"}]},
        {"ParameterOverrides": [{"ParameterKey": "Name", "UsePreviousValue": True}]},
    ],
)
def test_an_operation_that_is_refused_leaves_nothing_behind(
    company: OrganizationBuilder, sets: Deployed, refused: dict[str, Any]
) -> None:
    company.account("Workloads")
    sets.create()
    with pytest.raises(ClientError, match="ValidationError"):
        sets.begin("create_stack_instances", "Workloads", **refused)
    assert (sets.instances(), sets.actions()) == ({}, [])
    assert sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["OrganizationalUnitIds"] == []


@pytest.mark.parametrize(
    "call", ["create_stack_instances", "update_stack_instances", "delete_stack_instances", "update_stack_set"]
)
def test_one_operation_goes_on_at_a_time(company: OrganizationBuilder, sets: Deployed, call: str) -> None:
    company.account("Workloads")
    sets.create()
    arn = sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["StackSetARN"]
    sets.begin("create_stack_instances", "Workloads")
    own: dict[str, dict[str, Any]] = {
        "delete_stack_instances": {"RetainStacks": False},
        "update_stack_set": {"UsePreviousTemplate": True, "Capabilities": NAMED},
    }
    with pytest.raises(ClientError, match=f"Another Operation on StackSet {arn} is in progress") as caught:
        sets.begin(call, "Workloads", **own.get(call, {}))
    assert caught.value.response["Error"]["Code"] == "OperationInProgressException"


def test_a_stack_set_is_not_deleted_while_an_operation_goes_on(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    sets.begin("create_stack_instances", "Workloads")
    with pytest.raises(ClientError, match="OperationInProgressException"):
        sets.cfn.delete_stack_set(StackSetName=SET)


def test_operations_of_other_stack_sets_do_not_matter(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.create(member_template("other"), StackSetName="other")
    sets.begin("create_stack_instances", "Workloads")
    sets.begin("create_stack_instances", "Workloads", StackSetName="other")
    sets.wait()
    assert sorted(roles(account)) == [ROLE, "other"]


def test_operations_wait_for_each_other_when_execution_is_managed(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.account("First"), company.account("Second")
    sets.create(ManagedExecution={"Active": True})
    one = sets.begin("create_stack_instances", "First")
    other = sets.begin("create_stack_instances", "Second")
    assert [sets.operation(operation)["Status"] for operation in (one, other)] == ["RUNNING", "QUEUED"]
    assert sets.finish(other)["Status"] == "SUCCEEDED"
    assert sets.accounts() == ids(first, second)
    assert sets.operation(other)["EndTimestamp"] > sets.operation(one)["EndTimestamp"]


def test_an_operation_is_repeated_by_nobody_who_gives_the_same_id(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    sets.begin("create_stack_instances", "Workloads", OperationId="mine")
    assert sets.begin("create_stack_instances", "Workloads", OperationId="mine") == "mine"
    sets.wait()
    assert sets.actions() == [("CREATE", "SUCCEEDED")]


def test_an_id_is_for_one_operation(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    sets.deploy("Workloads", OperationId="mine")
    with pytest.raises(ClientError, match="OperationIdAlreadyExistsException"):
        sets.begin("delete_stack_instances", "Workloads", OperationId="mine", RetainStacks=False)


def test_an_operation_can_be_stopped(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.accounts("Workloads", 2)
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads")
    sets.clock.advance(10)
    sets.cfn.stop_stack_set_operation(StackSetName=SET, OperationId=operation)
    assert sets.operation(operation)["Status"] == "STOPPING"
    assert sets.finish(operation)["Status"] == "STOPPED"
    assert sets.instances() == {first.account_id: SUCCEEDED, second.account_id: ("OUTDATED", "CANCELLED")}


def test_an_operation_that_is_over_cannot_be_stopped(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    operation = sets.deploy("Workloads")
    with pytest.raises(ClientError, match="InvalidOperationException"):
        sets.cfn.stop_stack_set_operation(StackSetName=SET, OperationId=operation["OperationId"])


def test_operations_are_listed_the_newest_first(company: OrganizationBuilder, sets: Deployed) -> None:
    company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    sets.remove("Workloads")
    found = sets.cfn.list_stack_set_operations(StackSetName=SET)["Summaries"]
    assert [one["Action"] for one in found] == ["DELETE", "CREATE"]


def test_instances_come_in_pages(company: OrganizationBuilder, sets: Deployed) -> None:
    accounts = company.accounts("Workloads", 3)
    sets.create()
    sets.begin("create_stack_instances", "Workloads")
    pages = sets.cfn.get_paginator("list_stack_instances").paginate(StackSetName=SET, PaginationConfig={"PageSize": 2})
    found = [[one["Account"] for one in page["Summaries"]] for page in pages]
    assert [len(page) for page in found] == [2, 1]
    assert {one for page in found for one in page} == ids(*accounts)


def test_instances_are_found_by_status_account_and_operation(company: OrganizationBuilder, sets: Deployed) -> None:
    bad, good = company.account("Bad"), company.account("Good")
    obstruct(bad)
    sets.create(AutoDeployment=BY_HAND)
    sets.deploy("Bad")
    operation = sets.deploy("Good")

    def found(**wanted: Any) -> set[str]:
        return {one["Account"] for one in sets.cfn.list_stack_instances(StackSetName=SET, **wanted)["Summaries"]}

    assert found(Filters=[{"Name": "DETAILED_STATUS", "Values": "FAILED"}]) == ids(bad)
    assert found(Filters=[{"Name": "LAST_OPERATION_ID", "Values": operation["OperationId"]}]) == ids(good)
    assert found(Filters=[{"Name": "DRIFT_STATUS", "Values": "NOT_CHECKED"}]) == ids(bad, good)
    assert found(StackInstanceAccount=good.account_id) == ids(good)
    assert found(StackInstanceRegion="eu-west-1") == set()


def test_results_are_found_by_status(company: OrganizationBuilder, sets: Deployed) -> None:
    bad, good = company.accounts("Workloads", 2)
    obstruct(bad)
    sets.create()
    operation = sets.deploy("Workloads", OperationPreferences={"FailureToleranceCount": 1})["OperationId"]
    given = {"StackSetName": SET, "OperationId": operation}
    failed = [{"Name": "OPERATION_RESULT_STATUS", "Values": "FAILED"}]
    found = sets.cfn.list_stack_set_operation_results(**given, Filters=failed)["Summaries"]
    assert [one["Account"] for one in found] == [bad.account_id]
    assert sets.results(operation)[good.account_id] == ("SUCCEEDED", "")


def test_steps_take_no_time_when_none_is_given(aws: FrontDoor, company: OrganizationBuilder, sets: Deployed) -> None:
    accounts = company.accounts("Workloads", 3)
    aws.stack_step_seconds = 0
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads")
    assert sets.operation(operation)["Status"] == "SUCCEEDED"
    assert sets.instances() == dict.fromkeys(ids(*accounts), SUCCEEDED)


def test_an_account_whose_calls_hang_holds_up_no_other(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed
) -> None:
    slow, quick = company.accounts("Workloads", 2)
    hang = Hang()
    fault = aws.faults.add(Fault(hang, operation="CreateRole", account=slow))
    sets.create()
    wishes = {"MaxConcurrentCount": 2, "FailureToleranceCount": 1}
    operation = sets.begin("create_stack_instances", "Workloads", OperationPreferences=wishes)
    sets.clock.advance(1000)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(sets.operation, operation)
        until("the call that hangs", lambda: fault.fired)
        assert sets.operation(operation)["Status"] == "RUNNING"
        assert (roles(slow), roles(quick)) == ([], [ROLE])
        hang.release()
        assert held.result()["OperationId"] == operation
    assert sets.finish(operation)["Status"] == "SUCCEEDED"
    assert sets.instances() == dict.fromkeys(ids(slow, quick), SUCCEEDED)
