"""A search for roles without a connector: what it costs, what it tells and how often, on clocks that tests drive."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from apono_operator.adapters.errors import DeniedError
from apono_operator.reconciler import Environment, OrphanSearch
from apono_operator.state.orphans import Orphan
from apono_operator.state.resources import Cluster as AwsCluster
from apono_operator.state.resources import Owner
from sandbox.aws import Call, Fault, FrontDoor, access_denied
from sandbox.controlplane import ControlPlane
from tests.adapters.aws.connection import Connection, connect, trusting_the_account
from tests.adapters.kubernetes.conftest import connected
from tests.builders import an_administration
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import manifest

START = datetime(2026, 3, 14, tzinfo=UTC)
DAY = 86_400.0


@dataclass
class Searches:
    """Searches in a namespace and an account of their own."""

    kubeconfig: Path
    cluster: Cluster
    connection: Connection
    issuer: str
    seconds: float = 0.0
    search: OrphanSearch = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what an operator's process remembers."""
        environment = Environment(
            connected(self.kubeconfig),
            self.connection.session,
            self.connection.iam,
            an_administration(),
            self.issuer,
            now=lambda: START + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
        )
        self.search = OrphanSearch(environment, (self.cluster.namespace,))

    @property
    def aws_cluster(self) -> AwsCluster:
        return AwsCluster(self.issuer, self.connection.account.account_id, "aws")

    def owner(self, name: str, namespace: str | None = None) -> Owner:
        return Owner(namespace or self.cluster.namespace, name, f"uid-of-{name}")

    def make_role(self, owner: Owner, cluster: AwsCluster | None = None, **tags: str) -> str:
        """Make the role that *owner* had, and return its name."""
        made_for = cluster or self.aws_cluster
        name = made_for.role_name(owner)
        every = {**made_for.ownership_tags(owner), **{f"apono.io/{key}": value for key, value in tags.items()}}
        self.connection.account.client("iam").create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trusting_the_account(self.connection.account).document),
            Tags=[{"Key": key, "Value": value} for key, value in every.items()],
        )
        return name

    def run(self) -> list[str]:
        """Search and tell; return the names of the roles that the log tells of."""
        with capture_logs() as logs:
            self.search.tell(self.search.find())
        told = [line for line in logs if line["event"] == "a role has no connector"]
        assert all(line["log_level"] == "warning" for line in told)
        return [line["role"].rpartition("/")[2] for line in told]

    def calls(self) -> list[str]:
        """Search and tell; return the calls to AWS but that for the account, which is asked hourly."""
        self.connection = self.connection.from_now_on()
        self.run()
        return [call for call in self.connection.calls().operations if call != "GetCallerIdentity"]

    def events(self) -> list[str]:
        return [event["involvedObject"]["name"] for event in self.cluster.list("Event")]


@pytest.fixture
def searches(control_plane: ControlPlane) -> Iterator[Searches]:
    namespace = f"orphans-{secrets.token_hex(2)}"
    control_plane.kubectl("create", "namespace", namespace)
    with FrontDoor() as aws:
        connection = connect(aws, aws.create_account())
        issuer = control_plane.issuer.removeprefix("https://")
        kubeconfig = control_plane.kubeconfig
        yield Searches(kubeconfig, Cluster(kubeconfig, namespace), connection, issuer)
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_role_whose_connector_is_gone_is_told_by_log_and_event(searches: Searches) -> None:
    role = searches.make_role(searches.owner("gone"))

    assert searches.run() == [role]

    (event,) = searches.cluster.list("Event")
    assert (event["type"], event["reason"]) == ("Warning", "RoleOrphaned")
    assert event["involvedObject"]["kind"] == "AponoConnector"
    assert event["involvedObject"]["name"] == "gone"
    assert event["involvedObject"]["uid"] == "uid-of-gone"
    assert f"role/{role} is left over" in event["message"]


def test_nobody_elses_role_is_told_and_none_of_a_living_connector(searches: Searches) -> None:
    searches.cluster.create("AponoConnector", manifest("living"))
    searches.make_role(searches.owner("living"))
    other_cluster = AwsCluster("oidc.example/other", searches.connection.account.account_id, "aws")
    long = "a-connector-with-a-name-that-does-not-fit-into-a-role"
    searches.make_role(searches.owner("gone"), other_cluster)
    searches.make_role(searches.owner(long), other_cluster)
    searches.make_role(searches.owner("elsewhere", "another-namespace"))
    searches.make_role(searches.owner(long, "another-namespace"))
    searches.make_role(searches.owner("retained"), retained="uid-of-retained")
    untagged = searches.make_role(searches.owner("untagged"))
    keys = [*searches.aws_cluster.ownership_tags(searches.owner("untagged"))]
    searches.connection.account.client("iam").untag_role(RoleName=untagged, TagKeys=keys)

    assert searches.run() == []
    assert searches.events() == []


def test_a_search_that_finds_nothing_costs_one_call(searches: Searches) -> None:
    for number in range(5):
        searches.cluster.create("AponoConnector", manifest(f"living-{number}"))
        searches.make_role(searches.owner(f"living-{number}"))

    assert searches.calls() == ["ListRoles"]


def test_each_role_that_is_told_costs_two_more(searches: Searches) -> None:
    searches.make_role(searches.owner("one"))
    searches.make_role(searches.owner("two"))

    assert searches.calls() == ["ListRoles", *["GetRole"] * 4]


def test_nothing_is_changed_in_aws(searches: Searches) -> None:
    role = searches.make_role(searches.owner("gone"))
    iam = searches.connection.account.client("iam")
    before = iam.get_role(RoleName=role)["Role"]

    searches.run()

    assert iam.get_role(RoleName=role)["Role"] == before


def test_each_role_is_told_once_a_day_however_often_it_is_looked_for(searches: Searches) -> None:
    first = searches.make_role(searches.owner("first"))
    assert searches.run() == [first]
    searches.seconds = DAY / 2
    second = searches.make_role(searches.owner("second"))

    assert searches.run() == [second]
    searches.seconds = DAY
    assert searches.run() == [first]
    assert sorted(searches.events()) == ["first", "first", "second"]


def test_a_restart_tells_the_log_anew_and_posts_no_second_event_that_day(searches: Searches) -> None:
    role = searches.make_role(searches.owner("gone"))
    searches.run()
    searches.seconds = 60.0
    searches.restart()

    assert searches.run() == [role]
    assert searches.events() == ["gone"]


def test_a_role_that_was_deleted_after_it_was_found_is_not_told(searches: Searches) -> None:
    role = searches.make_role(searches.owner("going"))
    found = searches.search.find()
    searches.connection.account.client("iam").delete_role(RoleName=role)

    assert [one.role_name for one in found] == [role]
    assert told(searches, found) == []


def test_a_role_that_was_taken_up_after_it_was_found_is_not_told(searches: Searches) -> None:
    searches.make_role(searches.owner("back"))
    found = searches.search.find()
    searches.cluster.create("AponoConnector", manifest("back"))

    assert told(searches, found) == []


def told(searches: Searches, found: tuple[Orphan, ...]) -> list[str]:
    with capture_logs() as logs:
        searches.search.tell(found)
    return [line["event"] for line in logs]


def test_a_connector_that_is_made_while_roles_are_listed_has_no_orphan(searches: Searches) -> None:
    def make(call: Call) -> None:
        del call
        searches.cluster.create("AponoConnector", manifest("new"))
        searches.make_role(searches.owner("new"))

    searches.connection.aws.hooks.before(make, operation="ListRoles", account=searches.connection.account)

    assert searches.search.find() == ()


def test_a_connector_that_goes_while_roles_are_listed_leaves_no_orphan(searches: Searches) -> None:
    searches.cluster.create("AponoConnector", manifest("going"))
    role = searches.make_role(searches.owner("going"))

    def delete(call: Call) -> None:
        del call
        searches.connection.account.client("iam").delete_role(RoleName=role)
        searches.cluster.delete("AponoConnector", "going")

    searches.connection.aws.hooks.after(delete, operation="ListRoles", account=searches.connection.account)

    assert searches.search.find() == ()


def test_a_search_that_aws_denies_names_the_action_and_whom_to_allow_it(searches: Searches) -> None:
    fault = Fault(access_denied(), operation="ListRoles", account=searches.connection.account)
    with searches.connection.aws.faults.during(fault), pytest.raises(DeniedError) as denied:
        searches.search.find()

    with capture_logs() as logs:
        searches.search.complain(denied.value)

    (line,) = logs
    assert line["log_level"] == "warning"
    assert line["reason"] == "AccessDenied"
    assert "iam:ListRoles" in line["error"]
    assert f"Allow it to the operator's role ({searches.search.environment.session.last_caller})" in line["error"]


def test_an_event_that_cannot_be_posted_keeps_nothing_from_being_told(searches: Searches) -> None:
    searches.search = OrphanSearch(searches.search.environment, ())
    role = searches.make_role(searches.owner("gone", f"missing-{secrets.token_hex(2)}"))

    assert role in searches.run()
