"""What becomes of changes that others make, and of an order to keep one's hands off."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apono_operator.state.finding import Next
from sandbox.aws.faults import Fault, access_denied, server_error, throttle
from tests.passes.passes import Passes
from tests.scenarios.scenario import CHILD, NAME

HOUR = 3600.0
SPOILT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}
ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

Spoil = Callable[[Any, str], object]
SPOILS: dict[str, tuple[Spoil, str]] = {
    "trust": (
        lambda iam, role: iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(ANYBODY)),
        "the trust policy lacks",
    ),
    "document": (
        lambda iam, role: iam.put_role_policy(
            RoleName=role, PolicyName="apono-connector", PolicyDocument=json.dumps(SPOILT)
        ),
        "[Allow iam:* on *]",
    ),
    "no document": (
        lambda iam, role: iam.delete_role_policy(RoleName=role, PolicyName="apono-connector"),
        "the inline policy apono-connector is missing",
    ),
    "boundary": (
        lambda iam, role: iam.delete_role_permissions_boundary(RoleName=role),
        "the permissions boundary is missing",
    ),
    "tag": (
        lambda iam, role: iam.untag_role(RoleName=role, TagKeys=["apono.io/managed-by"]),
        "the tag apono.io/managed-by is missing",
    ),
    "session": (
        lambda iam, role: iam.update_role(RoleName=role, MaxSessionDuration=43200),
        "the longest session is 43200 s instead of 3600 s",
    ),
}


@pytest.fixture(params=SPOILS.values(), ids=list(SPOILS))
def spoilt(request: pytest.FixtureRequest, passes: Passes) -> tuple[Passes, str]:
    """A connector whose role somebody changed, and what there is to say about it."""
    spoil, told = request.param
    passes.settle()
    spoil(passes.iam, passes.role_name)
    return passes, told


# --- driftPolicy: Correct -------------------------------------------------------------------------------------------


def test_what_others_changed_is_put_right_at_the_next_look_and_told(spoilt: tuple[Passes, str]) -> None:
    passes, told = spoilt

    assert len(passes.writes()) == 1
    assert passes.writes() == []
    assert told in passes.events("DriftCorrected")[0]
    assert passes.condition("Drifted") == {}


def test_a_role_that_others_deleted_is_made_again_and_its_new_id_is_told(passes: Passes) -> None:
    passes.settle()
    before = passes.status["connectorRoleId"]
    delete_role(passes)

    passes.writes()

    status = passes.status
    assert status["connectorRoleId"] != before
    assert status["previousConnectorRoleId"] == before
    assert before in passes.events("RoleReplaced")[0]
    assert "is missing" in passes.events("DriftCorrected")[0]


def test_a_role_that_others_deleted_and_made_again_is_told_by_its_id(passes: Passes) -> None:
    passes.settle()
    before = passes.status["connectorRoleId"]
    role = passes.iam.get_role(RoleName=passes.role_name)["Role"]
    delete_role(passes)
    document = json.dumps(role["AssumeRolePolicyDocument"])
    passes.iam.create_role(RoleName=passes.role_name, AssumeRolePolicyDocument=document, Tags=role["Tags"])

    passes.writes()

    assert passes.status["previousConnectorRoleId"] == before
    assert len(passes.events("RoleReplaced")) == 1


def test_a_correction_that_aws_denies_is_told_as_drift(passes: Passes) -> None:
    passes.settle()
    passes.iam.put_role_policy(
        RoleName=passes.role_name, PolicyName="apono-connector", PolicyDocument=json.dumps(SPOILT)
    )

    with passes.connection.aws.faults.during(Fault(access_denied(), operation="PutRolePolicy", times=None)):
        passes.calls()

    assert passes.role_condition()["reason"] == "AccessDenied"
    assert "[Allow iam:* on *]" in passes.condition("Drifted")["message"]


def test_a_child_that_others_changed_is_put_right_and_told(passes: Passes) -> None:
    passes.settle()
    passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})

    assert passes.calls(quick=True) == []

    assert (passes.child("Deployment") or {})["spec"]["replicas"] == 1
    assert passes.events("DriftCorrected") == [
        f"Changed by others, and put right: {deployment(passes)}: spec.replicas."
    ]


def test_the_same_fight_is_told_once_in_ten_minutes(passes: Passes) -> None:
    passes.settle()
    for _ in range(3):
        passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})
        passes.calls(quick=True)
    assert len(passes.events("DriftCorrected")) == 1

    passes.moment += 600
    passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})
    passes.calls(quick=True)
    assert len(passes.events("DriftCorrected")) == 2


def test_what_we_write_ourselves_is_no_drift(passes: Passes) -> None:
    passes.settle()
    passes.change(permissions="FullAccess", deployment={"replicas": 2})
    passes.calls()
    passes.rotate_token("another-token")
    passes.calls()

    assert passes.events("DriftCorrected") == []
    assert passes.condition("Drifted") == {}


# --- driftPolicy: Report --------------------------------------------------------------------------------------------


def test_under_report_a_change_is_told_and_left_alone(spoilt: tuple[Passes, str]) -> None:
    passes, told = spoilt
    passes.change(driftPolicy="Report")

    assert passes.writes() == []
    assert passes.writes() == []

    assert told in passes.condition("Drifted")["message"]
    assert passes.condition("Drifted")["reason"] == "Drifted"
    assert told in passes.events("Drifted")[0]
    assert (passes.role_condition()["status"], passes.role_condition()["reason"]) == ("True", "RoleDiffers")


def test_under_report_a_child_is_told_and_left_alone(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})

    passes.calls(quick=True)

    assert (passes.child("Deployment") or {})["spec"]["replicas"] == 3
    assert f"{deployment(passes)}: spec.replicas" in passes.condition("Drifted")["message"]


def test_under_report_what_is_gone_stays_gone_and_makes_the_connector_unready(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    delete_role(passes)
    passes.cluster.delete("ServiceAccount", CHILD)

    assert passes.writes() == []

    assert passes.child("ServiceAccount") is None
    assert (passes.role_condition()["status"], passes.role_condition()["reason"]) == ("False", "RoleMissing")
    assert passes.condition("DeploymentAvailable")["reason"] == "ObjectMissing"
    assert passes.condition("Ready")["status"] == "False"
    assert passes.condition("Stalled")["reason"] == "RoleMissing"


def test_under_report_a_new_wish_is_carried_out(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    passes.writes()
    assert passes.condition("Drifted")["status"] == "True"

    passes.change(permissions="FullAccess")

    assert "PutRolePolicy" in passes.writes()
    assert passes.condition("Drifted") == {}
    assert passes.role_condition()["reason"] == "RoleInSync"


def test_under_report_another_token_reaches_the_pods_and_leaves_the_role_alone(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    before = passes.child("Secret")

    passes.rotate_token("another-token")

    assert passes.writes() == []
    assert (passes.child("Secret") or {})["data"] != (before or {})["data"]
    assert passes.condition("Drifted")["reason"] == "Drifted"


def test_back_under_correct_what_was_told_is_put_right(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    passes.writes()

    passes.change(driftPolicy="Correct")

    assert passes.writes() == ["UpdateRole"]
    assert passes.condition("Drifted") == {}


def test_drift_is_still_told_after_a_restart(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    attached = passes.iam.list_attached_role_policies(RoleName=passes.role_name)["AttachedPolicies"][0]["PolicyArn"]
    passes.iam.detach_role_policy(RoleName=passes.role_name, PolicyArn=attached)
    passes.look_at_everything()
    passes.writes()
    told = passes.condition("Drifted")

    passes.restart()

    assert passes.writes() == []
    assert passes.condition("Drifted") == told
    assert f"{attached} is not attached" in told["message"]


# --- policies of others ---------------------------------------------------------------------------------------------


def test_policies_of_others_are_told_within_the_hour_and_stay(passes: Passes) -> None:
    passes.settle()
    passes.iam.put_role_policy(
        RoleName=passes.role_name, PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(SPOILT)
    )
    passes.iam.attach_role_policy(RoleName=passes.role_name, PolicyArn=ADMINISTRATOR)

    passes.moment += HOUR
    assert passes.writes() == []

    drifted = passes.condition("Drifted")
    assert drifted["reason"] == "ForeignPolicies"
    assert f"inline policy AWSRevokeOlderSessions; managed policy {ADMINISTRATOR}" in drifted["message"]
    assert passes.role_condition()["reason"] == "RoleInSync"
    assert passes.iam.list_role_policies(RoleName=passes.role_name)["PolicyNames"] == [
        "AWSRevokeOlderSessions",
        "apono-connector",
    ]


def test_policies_of_others_stay_told_between_looks_until_they_are_gone(passes: Passes) -> None:
    passes.settle()
    passes.iam.attach_role_policy(RoleName=passes.role_name, PolicyArn=ADMINISTRATOR)
    passes.moment += HOUR
    passes.calls()

    passes.calls()
    passes.calls(quick=True)
    assert passes.condition("Drifted")["reason"] == "ForeignPolicies"

    passes.iam.detach_role_policy(RoleName=passes.role_name, PolicyArn=ADMINISTRATOR)
    passes.moment += HOUR
    passes.calls()
    assert passes.condition("Drifted") == {}


# --- suspend --------------------------------------------------------------------------------------------------------


def test_a_connector_that_is_suspended_from_the_start_gets_nothing_and_says_so(passes: Passes) -> None:
    passes.change(suspend=True)

    assert passes.writes() == []

    assert passes.child("ServiceAccount") is None
    assert "connectorRoleArn" not in passes.status
    assert "Nothing is changed while spec.suspend is true" in passes.condition("Suspended")["message"]
    assert "is missing" in passes.condition("Suspended")["message"]
    assert passes.condition("Ready")["status"] == "False"
    assert passes.condition("Stalled")["reason"] == "RoleMissing"
    assert passes.events("Suspended")


def test_a_suspension_stops_changes_by_others_from_being_put_right(passes: Passes) -> None:
    passes.settle()
    passes.change(suspend=True)
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    passes.cluster.delete("ServiceAccount", CHILD)

    assert passes.writes() == []

    assert passes.child("ServiceAccount") is None
    assert "the longest session" in passes.condition("Drifted")["message"]


def test_a_suspension_stops_new_wishes_and_says_what_waits(passes: Passes) -> None:
    passes.settle()
    passes.change(suspend=True, permissions="FullAccess", deployment={"replicas": 2})

    assert passes.writes() == []

    waiting = passes.condition("Suspended")["message"]
    assert "the inline policy apono-connector lacks" in waiting
    assert f"{deployment(passes)}: " in waiting
    assert passes.role_condition()["reason"] == "Suspended"
    assert passes.condition("Ready")["status"] == "False"
    assert passes.condition("Drifted") == {}


def test_a_suspension_is_told_even_where_something_else_is_the_matter(passes: Passes) -> None:
    passes.change(suspend=True)
    passes.cluster.delete("Secret", "apono-token")

    passes.calls()

    assert passes.condition("Suspended")["status"] == "True"
    assert passes.condition("TokenAvailable")["status"] == "False"


def test_after_a_suspension_everything_is_done(passes: Passes) -> None:
    passes.change(suspend=True)
    passes.calls()

    passes.change(suspend=False)

    assert "CreateRole" in passes.writes()
    assert passes.condition("Suspended") == {}
    assert passes.role_condition()["reason"] == "RoleInSync"
    assert passes.child("Deployment") is not None


# --- a restart ------------------------------------------------------------------------------------------------------


def test_the_first_look_after_a_restart_is_a_cheap_one_and_the_thorough_one_comes_within_the_hour(
    passes: Passes,
) -> None:
    passes.settle()
    passes.restart()
    assert passes.calls()[-2:] == ["GetRole", "GetRolePolicy"]

    passes.moment += HOUR
    assert {"ListAttachedRolePolicies", "ListRolePolicies"} <= set(passes.calls())


def test_a_role_that_was_not_complete_before_a_restart_is_looked_at_whole(passes: Passes) -> None:
    with passes.connection.aws.faults.during(Fault(access_denied(), operation="AttachRolePolicy", times=None)):
        passes.calls()
    passes.restart()

    assert passes.writes() == ["AttachRolePolicy"] * 3


def test_a_role_of_an_earlier_connector_is_taken_up_and_told(passes: Passes) -> None:
    passes.settle()
    passes.iam.tag_role(RoleName=passes.role_name, Tags=[{"Key": "apono.io/uid", "Value": "the-uid-before"}])
    passes.cluster.patch("AponoConnector", NAME, {"spec": {"role": {"tags": {"team": "platform"}}}})

    assert passes.writes() == ["TagRole"]

    assert "the-uid-before" in passes.events("RoleTakenUp")[0]


# --- the worst moment -----------------------------------------------------------------------------------------------


def test_under_report_a_change_that_failed_half_way_and_is_taken_back_leaves_nothing_behind(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    readonly = passes.iam.get_role_policy(RoleName=passes.role_name, PolicyName="apono-connector")["PolicyDocument"]
    with passes.connection.aws.faults.during(Fault(access_denied(), operation="PutRolePermissionsBoundary")):
        passes.environment = replace(passes.environment, administration=passes.without_boundaries())
        passes.change(permissions="FullAccess")
        passes.calls()

    passes.change(permissions="ReadOnly")
    passes.calls()

    policy = passes.iam.get_role_policy(RoleName=passes.role_name, PolicyName="apono-connector")["PolicyDocument"]
    assert policy == readonly
    assert passes.role_condition()["reason"] == "RoleInSync"


def test_a_wish_is_not_counted_as_applied_from_its_first_write_on(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    with passes.connection.aws.faults.during(Fault(access_denied(), operation="PutRolePolicy", times=None)):
        passes.change(permissions="FullAccess")
        passes.calls()
        assert passes.status["lastAppliedHash"].startswith(".")


@pytest.mark.parametrize("spec", [{"suspend": True}, {"driftPolicy": "Report"}], ids=str)
def test_a_role_is_left_alone_though_something_else_is_the_matter(passes: Passes, spec: dict[str, Any]) -> None:
    passes.settle()
    passes.change(**spec)
    passes.calls()
    passes.iam.delete_role_permissions_boundary(RoleName=passes.role_name)
    passes.cluster.delete("Secret", "apono-token")

    assert passes.writes() == []


def test_a_detached_policy_stays_told_between_thorough_looks(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    detach_one(passes)
    passes.look_at_everything()
    passes.calls()
    told = passes.condition("Drifted")

    passes.calls()
    assert passes.condition("Drifted") == told
    assert passes.role_condition()["reason"] == "RoleDiffers"


def test_drift_stays_told_when_nobody_can_look_after_a_restart(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    passes.calls()
    told = passes.condition("Drifted")
    passes.restart()

    with passes.connection.aws.faults.during(Fault(throttle(), operation="GetRole", times=None)):
        passes.calls()

    assert passes.condition("Drifted") == told


def test_drift_stays_told_while_a_look_waits(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.settle()
    passes.iam.update_role(RoleName=passes.role_name, MaxSessionDuration=43200)
    passes.calls()
    passes.change(deletionPolicy="Retain")

    passes.calls(quick=True)

    assert passes.condition("Drifted")["reason"] == "Drifted"


def test_a_look_that_was_asked_for_does_not_make_the_connector_unready_while_it_waits(passes: Passes) -> None:
    passes.settle()
    passes.look_at_everything()

    assert passes.calls(quick=True) == []

    assert passes.role_condition()["status"] == "True"


def test_what_iam_does_not_show_yet_is_no_drift(passes: Passes) -> None:
    passes.change(driftPolicy="Report")
    passes.connection.aws.new_role_read_delay = 30.0
    passes.calls()
    passes.change(deletionPolicy="Retain")

    passes.calls()

    assert passes.role_condition()["reason"] == "Propagating"
    assert passes.condition("Drifted") == {}


def test_restarts_do_not_put_off_the_thorough_look(passes: Passes) -> None:
    passes.settle()
    asked: list[str] = []
    for third in range(3):
        passes.wall_clock(third * HOUR / 3)
        passes.restart()
        passes.calls()
        passes.wall_clock((third + 1) * HOUR / 3 - 1)
        passes.moment += HOUR / 3 - 1
        asked += passes.calls()

    assert "ListAttachedRolePolicies" in asked


def test_children_are_kept_up_though_iam_does_not_answer_after_a_restart(passes: Passes) -> None:
    passes.settle()
    passes.restart()
    passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})

    with passes.connection.aws.faults.during(Fault(server_error(), service="iam", times=None)):
        passes.calls()

    assert (passes.child("Deployment") or {})["spec"]["replicas"] == 1


def test_a_pass_that_spares_aws_asks_nothing_even_if_nothing_is_remembered(passes: Passes) -> None:
    passes.settle()
    passes.restart()

    assert passes.calls(quick=True) == []
    assert passes.outcome is not None
    assert passes.outcome.children is Next.TIME  # so that it is made again


def test_a_deployment_that_others_spoilt_is_made_anew_for_another_token_as_well(passes: Passes) -> None:
    passes.settle()
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    passes.cluster.patch("Deployment", CHILD, {"spec": {"strategy": rolling}})
    before = (passes.child("Deployment") or {})["metadata"]["uid"]
    passes.rotate_token("another-token")

    passes.calls()

    made = passes.child("Deployment") or {}
    assert made["spec"]["strategy"]["type"] == "Recreate"
    assert made["metadata"]["uid"] != before


def detach_one(passes: Passes) -> None:
    attached = passes.iam.list_attached_role_policies(RoleName=passes.role_name)["AttachedPolicies"][0]["PolicyArn"]
    passes.iam.detach_role_policy(RoleName=passes.role_name, PolicyArn=attached)


def deployment(passes: Passes) -> str:
    return f"Deployment {passes.owner.namespace}/{CHILD}"


def delete_role(passes: Passes) -> None:
    iam, name = passes.iam, passes.role_name
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role_policy(RoleName=name, PolicyName="apono-connector")
    iam.delete_role(RoleName=name)
