from __future__ import annotations

import base64
from typing import Any

from apono_operator.state import plan
from apono_operator.state.desired import desired_state, emptied_secret
from apono_operator.state.plan import object_conflict, plan_objects
from apono_operator.state.resources import Manifest, ObjectKey, child_keys, key_of
from tests.builders import a_spec, an_owner, some_inputs
from tests.unit.state.api_server import returned

KEYS = child_keys(an_owner())
FOREIGN_REGISTRY = a_spec(deployment={"image": "docker.io/acme/connector:1"})


def stored(**inputs: Any) -> dict[ObjectKey, Manifest]:
    """The children of a connector as the API server has them."""
    return {key: returned(manifest) for key, manifest in desired_state(some_inputs(**inputs)).objects.items()}


def test_children_are_made_with_the_deployment_last_and_the_service_account_first() -> None:
    desired = desired_state(some_inputs())

    changes = plan_objects(desired, {}, an_owner())

    assert [change.manifest["kind"] for change in changes] == ["ServiceAccount", "Secret", "Deployment"]
    assert {change.because for change in changes} == {("missing",)}


def test_a_second_plan_is_empty() -> None:
    desired = desired_state(some_inputs())
    made = {key_of(change.manifest): returned(change.manifest) for change in plan_objects(desired, {}, an_owner())}

    assert plan_objects(desired, made, an_owner()) == ()


def test_only_the_object_that_drifted_is_written_and_the_change_says_why() -> None:
    desired = desired_state(some_inputs())
    edited = {**returned(desired.objects[KEYS["ServiceAccount"]]), "automountServiceAccountToken": True}

    changes = plan_objects(desired, {**stored(), KEYS["ServiceAccount"]: edited}, an_owner())

    assert changes == (plan.ApplyObject(desired.objects[KEYS["ServiceAccount"]], ("automountServiceAccountToken",)),)


def test_a_field_that_nobody_asks_for_any_more_is_written_away() -> None:
    desired = desired_state(some_inputs())
    before = stored(spec=a_spec(deployment={"priorityClassName": "high"}))

    (change,) = plan_objects(desired, before, an_owner())

    assert change.because == ("metadata.annotations.apono.io/desired-hash",)


def test_a_new_token_writes_pull_secret_and_deployment_but_not_the_service_account() -> None:
    changes = plan_objects(desired_state(some_inputs(token="rotated")), stored(), an_owner())

    assert [change.manifest["kind"] for change in changes] == ["Secret", "Deployment"]


def test_a_pull_secret_that_is_no_longer_wanted_loses_its_login_once() -> None:
    desired = desired_state(some_inputs(spec=FOREIGN_REGISTRY))
    before = stored()

    changes = plan_objects(desired, before, an_owner())

    assert [change.manifest["kind"] for change in changes] == ["Secret", "Deployment"]
    emptied = changes[0].manifest
    assert base64.b64decode(emptied["data"][".dockerconfigjson"]) == b'{"auths":{}}'
    after = {**before, **{key_of(change.manifest): returned(change.manifest) for change in changes}}
    assert plan_objects(desired, after, an_owner()) == ()


def test_a_secret_of_somebody_else_keeps_its_content() -> None:
    desired = desired_state(some_inputs(spec=FOREIGN_REGISTRY))
    foreign = {**returned(emptied_secret(an_owner(uid="another-uid"))), "data": {"theirs": "eA=="}}
    before = {**stored(spec=FOREIGN_REGISTRY), KEYS["Secret"]: foreign}

    assert plan_objects(desired, before, an_owner()) == ()


def test_objects_of_ours_and_missing_ones_are_no_conflict() -> None:
    desired = desired_state(some_inputs())

    assert object_conflict({}, desired, an_owner()) is None
    assert object_conflict(stored(), desired, an_owner()) is None


def test_an_object_of_somebody_else_under_our_name_is_a_conflict() -> None:
    theirs = returned(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "apono-connector-production"}}
    )

    conflict = object_conflict({KEYS["ServiceAccount"]: theirs}, desired_state(some_inputs()), an_owner())

    assert conflict == plan.Conflict(
        "ServiceAccount apono/apono-connector-production", "is not controlled by this connector"
    )


def test_a_foreign_object_that_we_would_not_write_is_no_conflict() -> None:
    theirs = returned({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "apono-connector-production"}})
    desired = desired_state(some_inputs(spec=FOREIGN_REGISTRY))

    assert object_conflict({KEYS["Secret"]: theirs}, desired, an_owner()) is None


# --- beyond repair ------------------------------------------------------------------------------------------------
