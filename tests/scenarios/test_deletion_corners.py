"""Deletions that do not find things as they were left: what is gone, denied, changed or made meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.aws import Account, Call, Fault, Hang, access_denied, expired_credentials, throttle
from sandbox.controlplane import CommandError, ControlPlane
from sandbox.installation import CRD, Installation
from sandbox.surroundings import surroundings
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import NAME, TOKEN_SECRET, Scenario, condition_of, manifest
from tests.waiting import until

NAMESPACE = "apono"
FINALIZER = "apono.io/connector-cleanup"
DENY_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
BY_EC2 = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def role_name(scenario: Scenario, name: str = NAME) -> str:
    arn: str = scenario.connector(name)["status"]["connectorRoleArn"]
    return arn.rpartition("/")[2]


def delete(scenario: Scenario, name: str = NAME) -> None:
    scenario.cluster.delete("AponoConnector", name)


def blocked(scenario: Scenario, reason: str, name: str = NAME) -> str:
    """Wait until the deletion is blocked for a reason; return the message."""

    def look() -> Document | None:
        condition = condition_of(scenario.connector(name), "DeletionBlocked")
        return condition if (condition.get("status"), condition.get("reason")) == ("True", reason) else None

    condition = until(f"the deletion of {name} is blocked by {reason}", look, 20, lambda: scenario.operator.log[-4000:])
    return str(condition["message"])


# --- while the role is being made ---------------------------------------------------------------------------------


def delete_at(scenario: Scenario, operation: str, moment: str, *, killing: bool = False) -> list[str]:
    """Have the connector deleted right before or after the first call of an operation; return what was met."""
    met: list[str] = []

    def meet(call: Call) -> None:
        if not met:
            met.append(call.operation)
            delete(scenario)
            if killing:
                scenario.operator.kill()

    getattr(scenario.aws.hooks, moment)(meet, operation=operation, account=scenario.account)
    return met


@pytest.mark.parametrize("operation", ["CreateRole", "PutRolePolicy", "AttachRolePolicy"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connector_deleted_while_its_role_is_made_leaves_none(
    scenario: Scenario, operation: str, moment: str
) -> None:
    met = delete_at(scenario, operation, moment)
    scenario.create_token()
    scenario.apply()
    until("the connector is deleted", lambda: met)

    scenario.gone("AponoConnector", NAME, seconds=30)

    assert scenario.connector_roles() == []
    assert scenario.operator_calls().of(operation="CreateRole", outcome="ok")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connector_deleted_while_the_operator_dies_at_the_creation_of_its_role_leaves_none(
    scenario: Scenario, moment: str
) -> None:
    met = delete_at(scenario, "CreateRole", moment, killing=True)
    scenario.create_token()
    scenario.apply()
    until("the operator is killed", lambda: met)

    with scenario.installation.start() as operator:
        scenario.operator = operator
        scenario.gone("AponoConnector", NAME, seconds=40)

    assert scenario.connector_roles() == []


# --- while a call hangs -------------------------------------------------------------------------------------------


def test_a_deletion_waits_for_a_call_that_hangs_and_then_takes_what_it_made(scenario: Scenario) -> None:
    hang = Hang()
    scenario.create_token()
    with scenario.aws.faults.during(Fault(hang, operation="CreateRole", account=scenario.account)) as fault:
        scenario.apply()
        until("the call hangs", lambda: fault.fired)
        delete(scenario)
        deleted = until("it is being deleted", lambda: deletion_of(scenario))
        assert FINALIZER in deleted["metadata"]["finalizers"]

        hang.release()

        scenario.gone("AponoConnector", NAME, seconds=30)
    assert scenario.connector_roles() == []


def test_a_deletion_whose_own_call_hangs_is_carried_out_by_the_next_operator(scenario: Scenario) -> None:
    scenario.apply_ready()
    with scenario.aws.faults.during(Fault(Hang(), operation="DeleteRole", account=scenario.account)) as fault:
        delete(scenario)
        until("the call hangs", lambda: fault.fired)
        scenario.operator.kill()
    with scenario.installation.start() as operator:
        scenario.operator = operator
        scenario.gone("AponoConnector", NAME, seconds=30)

    assert scenario.connector_roles() == []


def deletion_of(scenario: Scenario) -> Document | None:
    connector = scenario.connector()
    return connector if "deletionTimestamp" in connector["metadata"] else None


# --- while AWS does not let it happen -----------------------------------------------------------------------------


def hang_things_on(account: Account, role: str, profile: str) -> None:
    """What the operator never puts on a role, and has to find before the role can go."""
    iam = account.client("iam")
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    iam.put_role_policy(RoleName=role, PolicyName="AWSRevokeOlderSessions", PolicyDocument=DENY_ALL)
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)


@pytest.mark.parametrize(
    "operation",
    [
        "GetRole",
        "ListAttachedRolePolicies",
        "DetachRolePolicy",
        "DeleteRolePolicy",
        "DeleteRole",
        "ListRolePolicies",
        "ListInstanceProfilesForRole",
        "RemoveRoleFromInstanceProfile",
    ],
)
def test_a_denied_deletion_names_the_action_and_the_role_to_allow_it_to_and_retain_frees_it(
    shared_scenario: Scenario, operation: str
) -> None:
    scenario, name = shared_scenario, f"denied-{operation.lower()}"
    scenario.apply_ready(name)
    role = role_name(scenario, name)
    hang_things_on(scenario.account, role, f"profile-{operation}")
    denial = Fault(
        access_denied("Not authorized."),
        operation=operation,
        account=scenario.account,
        parameters={"RoleName": role},
        times=None,
    )
    with scenario.aws.faults.during(denial):
        delete(scenario, name)
        message = blocked(scenario, "AccessDenied", name)
        operator_role = scenario.installation.environment["AWS_ROLE_ARN"]

        scenario.cluster.patch("AponoConnector", name, {"spec": {"deletionPolicy": "Retain"}})

        scenario.gone("AponoConnector", name, seconds=10)
    assert f"iam:{operation}: AccessDenied: Not authorized." in message
    assert f"Allow it to the operator's role ({operator_role})." in message
    assert role in scenario.connector_roles()


def test_a_deletion_without_credentials_is_blocked_and_retain_frees_it(scenario: Scenario) -> None:
    scenario.apply_ready()
    expired = Fault(expired_credentials(), account=scenario.account, times=None)
    with scenario.aws.faults.during(expired):
        delete(scenario)
        blocked(scenario, "NoCredentials")

        scenario.cluster.patch("AponoConnector", NAME, {"spec": {"deletionPolicy": "Retain"}})

        scenario.gone("AponoConnector", NAME, seconds=10)
    assert len(scenario.connector_roles()) == 1


def test_a_deletion_that_is_throttled_waits_and_is_not_blocked(scenario: Scenario) -> None:
    scenario.apply_ready()
    with scenario.aws.faults.during(Fault(throttle(), operation="DeleteRole", account=scenario.account, times=None)):
        delete(scenario)
        waiting = until("it tells what it waits for", lambda: throttled(scenario))
        assert condition_of(waiting, "DeletionBlocked") == {}
        assert condition_of(waiting, "Ready")["reason"] == "Deleting"

    scenario.gone("AponoConnector", NAME, seconds=30)
    assert scenario.connector_roles() == []


def throttled(scenario: Scenario) -> Document | None:
    connector = scenario.connector()
    return connector if "iam:DeleteRole: Throttling" in condition_of(connector, "Ready")["message"] else None


# --- with a manifest that is of no use any more -------------------------------------------------------------------


def test_a_deletion_needs_no_token(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.cluster.delete("Secret", TOKEN_SECRET)

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == []


def test_a_suspended_connector_is_deleted_like_any_other(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.apply(suspend=True)
    scenario.condition("Suspended", "True")

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == []


def test_a_connector_whose_drift_is_only_reported_is_deleted_with_all_that_drifted(scenario: Scenario) -> None:
    scenario.apply_ready(driftPolicy="Report")
    hang_things_on(scenario.account, role_name(scenario), "by-hand")

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == []


@pytest.fixture(scope="module")
def undefined() -> Iterator[Scenario]:
    """A scenario in a cluster of its own, whose definition lets everything pass from some moment on."""
    with ControlPlane.start(crds=[CRD]) as control_plane, surroundings(control_plane) as around:
        account = around.create_account()
        installation = Installation.install(control_plane, around.aws, account, NAMESPACE, {"secretPollSeconds": 1})
        cluster = Cluster(control_plane.kubeconfig, NAMESPACE)
        issuer = control_plane.issuer.removeprefix("https://")
        with installation.start() as operator:
            yield Scenario(cluster, around.aws, account, installation, operator, issuer)


SENSELESS: dict[str, Any] = {
    "unknown-fields": {"permissions": None, "target": None, "tokenSecretRef": None, "secret": "x"},
    "wrong-types": {"permissions": 7, "target": ["Account"], "deletionPolicy": {"Delete": True}, "suspend": "perhaps"},
    "another-policy": {"deletionPolicy": "Orphan", "driftPolicy": "Ignore"},
    "text": "production",
    "none": None,
}


@pytest.mark.parametrize("name", SENSELESS)
def test_a_deletion_needs_no_spec_that_anybody_understands(undefined: Scenario, name: str) -> None:
    undefined.apply_ready(name)
    role = role_name(undefined, name)
    define_nothing(undefined)
    undefined.cluster.patch("AponoConnector", name, {"spec": SENSELESS[name]})

    delete(undefined, name)

    undefined.gone("AponoConnector", name, seconds=30)
    assert undefined.role_named(role) is None


def define_nothing(scenario: Scenario) -> None:
    """Let the definition take any object, as that of another version might."""
    plane = scenario.installation.control_plane
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    path = "/spec/versions/0/schema/openAPIV3Schema"
    patch = json.dumps([{"op": "replace", "path": path, "value": anything}])
    plane.kubectl("patch", "customresourcedefinition", "aponoconnectors.apono.io", "--type=json", f"--patch={patch}")
    until("anything goes", lambda: _is_taken(scenario, manifest("any", permissions=7)))


def _is_taken(scenario: Scenario, document: Document) -> bool:
    plane = scenario.installation.control_plane
    try:
        plane.kubectl("create", "--dry-run=server", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(document))
    except CommandError:
        return False
    return True


# --- with a role that is not as it was left -----------------------------------------------------------------------


def everything_in(account: Account) -> Document:
    """What there is in the account's IAM: what a deletion must not touch, once the connector's own is left out."""
    iam = account.client("iam")
    return {
        "roles": {name: role_as_it_is(account, name) for name in role_names(account)},
        "policies": sorted(policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]),
        "profiles": {name: roles_in(account, name) for name in ("of-somebody", "by-hand")},
        "providers": iam.list_open_id_connect_providers()["OpenIDConnectProviderList"],
    }


def roles_in(account: Account, profile: str) -> list[str]:
    found = account.client("iam").get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    return [role["RoleName"] for role in found["Roles"]]


def role_names(account: Account) -> list[str]:
    return [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]


def role_as_it_is(account: Account, name: str) -> Document:
    iam = account.client("iam")
    role: Any = iam.get_role(RoleName=name)["Role"]
    return {
        "id": role["RoleId"],
        "trust": role["AssumeRolePolicyDocument"],
        "tags": role.get("Tags"),
        "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        "inline": iam.list_role_policies(RoleName=name)["PolicyNames"],
    }


def test_all_that_was_hung_on_the_role_goes_with_it_and_nothing_else_in_the_account_is_touched(
    scenario: Scenario,
) -> None:
    iam = scenario.account.client("iam")
    mine = iam.create_policy(PolicyName="of-the-team", PolicyDocument=DENY_ALL)["Policy"]["Arn"]
    iam.create_role(RoleName="apono-somebody", AssumeRolePolicyDocument=BY_EC2, Tags=[{"Key": "a", "Value": "b"}])
    iam.attach_role_policy(RoleName="apono-somebody", PolicyArn=mine)
    iam.put_role_policy(RoleName="apono-somebody", PolicyName="apono-connector", PolicyDocument=DENY_ALL)
    iam.create_instance_profile(InstanceProfileName="of-somebody")
    iam.add_role_to_instance_profile(InstanceProfileName="of-somebody", RoleName="apono-somebody")
    iam.create_instance_profile(InstanceProfileName="by-hand")
    before = everything_in(scenario.account)
    scenario.apply_ready()
    role = role_name(scenario)
    iam.attach_role_policy(RoleName=role, PolicyArn=mine)
    iam.put_role_policy(RoleName=role, PolicyName="AWSRevokeOlderSessions", PolicyDocument=DENY_ALL)
    iam.add_role_to_instance_profile(InstanceProfileName="by-hand", RoleName=role)

    delete(scenario)
    scenario.gone("AponoConnector", NAME)

    assert everything_in(scenario.account) == before


def remove_by_hand(scenario: Scenario, name: str) -> None:
    iam = scenario.account.client("iam")
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def test_a_role_that_was_deleted_by_hand_does_not_hold_up_the_deletion(scenario: Scenario) -> None:
    scenario.apply_ready()
    remove_by_hand(scenario, role_name(scenario))
    mark = scenario.aws.calls.mark()

    delete(scenario)

    scenario.gone("AponoConnector", NAME, seconds=30)
    assert scenario.role_writes(mark) == []
    until("an Event says so", lambda: scenario.events("Deleted"))


@pytest.mark.parametrize("tag", ["apono.io/cluster", "apono.io/namespace", "apono.io/name"])
def test_a_role_whose_tags_were_changed_is_kept_until_they_are_back(shared_scenario: Scenario, tag: str) -> None:
    scenario, name = shared_scenario, f"changed-{tag.rpartition('/')[2]}"
    connector = scenario.apply_ready(name)
    role, iam = role_name(scenario, name), scenario.account.client("iam")
    before = (scenario.role(connector) or missing()).tags[tag]
    iam.tag_role(RoleName=role, Tags=[{"Key": tag, "Value": "another"}])
    delete(scenario, name)
    message = blocked(scenario, "NameConflict", name)
    assert "Put the tags apono.io/cluster, apono.io/namespace and apono.io/name back" in message
    assert role in scenario.connector_roles()

    iam.tag_role(RoleName=role, Tags=[{"Key": tag, "Value": before}])

    scenario.gone("AponoConnector", name, seconds=60)
    assert role not in scenario.connector_roles()


def missing() -> Any:
    raise AssertionError("there is no such role")


def test_a_role_whose_other_tags_were_changed_goes_with_the_connector(scenario: Scenario) -> None:
    scenario.apply_ready()
    role, iam = role_name(scenario), scenario.account.client("iam")
    iam.tag_role(RoleName=role, Tags=[{"Key": "apono.io/uid", "Value": "another"}, {"Key": "team", "Value": "red"}])
    iam.untag_role(RoleName=role, TagKeys=["apono.io/managed-by"])

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == []


def make_again(scenario: Scenario, role: str, path: str = "/", **options: Any) -> None:
    remove_by_hand(scenario, role)
    scenario.account.client("iam").create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=BY_EC2, **options)


def test_a_role_that_somebody_made_anew_under_its_name_stays(scenario: Scenario) -> None:
    scenario.apply_ready()
    role = role_name(scenario)
    make_again(scenario, role)
    mark = scenario.aws.calls.mark()

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.role_writes(mark) == []
    assert scenario.connector_roles() == [role]
    (event,) = until("an Event says so", lambda: scenario.events("Deleted"))
    assert "is not this connector's and stays" in event["message"]


def test_a_role_made_anew_with_its_tags_at_another_path_is_told_and_stays(scenario: Scenario) -> None:
    connector = scenario.apply_ready()
    role, arn = role_name(scenario), connector["status"]["connectorRoleArn"]
    tags = (scenario.role(connector) or missing()).document["Tags"]
    make_again(scenario, role, "/team/", Tags=tags)
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})
    told = scenario.condition("ConnectorRoleReady", "False", "NameConflict")
    assert f"has another path than {arn}" in condition_of(told, "ConnectorRoleReady")["message"]

    delete(scenario)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == [role]
