"""What becomes of changes that others make, and of an order to keep one's hands off."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.aws.faults import Fault, access_denied
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
    assert passes.condition("Stalled") == {}
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


def deployment(passes: Passes) -> str:
    return f"Deployment {passes.owner.namespace}/{CHILD}"


def delete_role(passes: Passes) -> None:
    iam, name = passes.iam, passes.role_name
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role_policy(RoleName=name, PolicyName="apono-connector")
    iam.delete_role(RoleName=name)
