from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from apono_operator.state import plan
from apono_operator.state.desired import Inputs, connector_role, desired_state
from apono_operator.state.drift import (
    Digest,
    Mandate,
    drift_finding,
    is_object_drift,
    object_differences,
    role_differences,
    situation,
    suspension_finding,
    taken_up_from,
    untouched_objects_finding,
    untouched_role_finding,
    untouched_stack_finding,
)
from apono_operator.state.finding import Next, found, waits
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.plan import plan_objects, plan_role
from apono_operator.state.resources import IamRole, Manifest, ObjectKey, State
from apono_operator.v1alpha1 import ConditionStatus, Reason
from tests.builders import a_role, a_spec, an_administration, an_organizations_spec, an_owner, some_inputs

ARN = a_role().arn
BOUNDARY = a_role().permissions_boundary
SUSPENDED = Mandate(carried_out=False, suspended=True)
FROZEN = Mandate(carried_out=True, suspended=True)
REPORT = Mandate(carried_out=True, report=True)


def a_policy(*statements: Any, version: str = "2012-10-17") -> PolicyDocument:
    return PolicyDocument.of({"Version": version, "Statement": list(statements)})


def an_allowance(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), **more}


def differences(observed: IamRole | None, **changes: Any) -> tuple[str, ...]:
    administration = changes.pop("administration", an_administration())
    desired = replace(connector_role(some_inputs(administration=administration)), **changes)
    return role_differences(plan_role(desired, observed, administration), observed)


# --- what may be done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "carried_out", "changes", "corrects"),
    [
        ({}, False, True, False),
        ({}, True, True, True),
        ({"driftPolicy": "Report"}, False, True, False),
        ({"driftPolicy": "Report"}, True, False, False),
        ({"suspend": True}, False, False, False),
        ({"suspend": True}, True, False, False),
        ({"suspend": True, "driftPolicy": "Report"}, False, False, False),
    ],
)
def test_what_may_be_done_is_told_by_the_manifest(
    spec: dict[str, Any], *, carried_out: bool, changes: bool, corrects: bool
) -> None:
    mandate = Mandate.of(a_spec(**spec), carried_out=carried_out)

    assert mandate.changes is changes
    assert mandate.corrects is corrects


# --- what was carried out -------------------------------------------------------------------------------------------


def a_digest(**changes: Any) -> Digest:
    return Digest.of(desired_state(some_inputs(**changes)))


def test_the_same_wish_has_the_same_digest() -> None:
    assert a_digest() == a_digest()


def test_drift_policy_and_suspension_are_no_wishes() -> None:
    assert a_digest(spec=a_spec(driftPolicy="Report", suspend=True, deletionPolicy="Retain")) == a_digest()


def test_another_token_asks_something_of_the_objects_alone() -> None:
    before, after = a_digest(), a_digest(token="another-token")

    assert after.role == before.role
    assert after.objects != before.objects


@pytest.mark.parametrize(
    "change",
    [
        {"spec": a_spec(permissions="FullAccess")},
        {"spec": an_organizations_spec()},
        {"administration": an_administration(role_tags={"team": "platform"})},
        {"administration": an_administration(permissions_boundaries={}, allow_unbounded_roles=True)},
        {"administration": an_administration(max_session_duration=7200)},
        {"owner": an_owner(uid="another-uid")},
    ],
)
def test_whatever_is_asked_of_the_role_is_in_its_digest(change: dict[str, Any]) -> None:
    assert a_digest(**change).role != a_digest().role


def test_an_organization_with_other_rights_asks_another_boundary_of_the_role() -> None:
    reading, managing = (an_organizations_spec(permissions=one) for one in ("ReadOnly", "FullAccess"))

    assert a_digest(spec=reading).role != a_digest(spec=managing).role


def test_another_unit_asks_nothing_of_role_and_objects() -> None:
    root = an_organizations_spec(target={"organizationUnitId": "r-1a2b"})

    assert a_digest(spec=root) == a_digest(spec=an_organizations_spec())


def test_a_digest_survives_the_status() -> None:
    assert Digest.parse(str(a_digest())) == a_digest()


@pytest.mark.parametrize("text", [None, "", "nonsense", 7])
def test_a_status_that_says_nothing_matches_no_wish(text: object) -> None:
    parsed = Digest.parse(text)

    assert parsed.role != a_digest().role
    assert parsed.objects != a_digest().objects


def test_there_is_a_digest_of_nothing() -> None:
    assert Digest.of(State()) != a_digest()


def test_a_digest_tells_nothing_of_the_token() -> None:
    assert some_inputs().token not in str(a_digest())


# --- differences in words -------------------------------------------------------------------------------------------


def test_a_role_as_asked_has_no_differences() -> None:
    assert differences(a_role()) == ()


def test_a_missing_role_is_one_difference() -> None:
    assert differences(None) == (f"IAM role {ARN} is missing",)


def test_a_policy_that_others_widened_is_told_by_its_statements() -> None:
    widened = a_policy(an_allowance("s3:GetObject", Resource="*"), an_allowance("iam:*", Resource="*"))
    asked = a_policy(an_allowance("s3:GetObject", Resource="*"), {"Effect": "Deny", "NotAction": "sts:*"})

    assert differences(a_role(permissions=widened), permissions=asked) == (
        "the inline policy apono-connector lacks [Deny all but sts:*] and has [Allow iam:* on *]",
    )


def test_long_statements_are_cut_and_counted() -> None:
    actions = [f"s3:Action{number}" for number in range(5)]
    statements = [an_allowance(*actions, Resource=f"arn:aws:s3:::bucket-{number}") for number in range(4)]

    (line,) = differences(a_role(permissions=a_policy(*statements)), permissions=a_policy(statements[0]))

    assert line == (
        "the inline policy apono-connector has [Allow s3:action0, s3:action1 +3 on arn:aws:s3:::bucket-1], "
        "[Allow s3:action0, s3:action1 +3 on arn:aws:s3:::bucket-2] +1"
    )


def test_another_version_alone_is_told_as_well() -> None:
    statement = an_allowance("s3:GetObject", Resource="*")

    seen, asked = a_policy(statement, version="2008-10-17"), a_policy(statement)
    assert differences(a_role(permissions=seen), permissions=asked) == ("the inline policy apono-connector is another",)


def test_a_policy_that_is_gone_or_unreadable_is_told() -> None:
    asked = a_policy(an_allowance("s3:GetObject", Resource="*"))
    unreadable = PolicyDocument(meaning="", document={})

    assert differences(a_role(permissions=None), permissions=asked) == ("the inline policy apono-connector is missing",)
    assert differences(a_role(permissions=unreadable), permissions=asked) == (
        "the inline policy apono-connector lacks [Allow s3:getobject on *]",
    )


def test_a_trust_of_others_is_told_with_whom_it_trusts() -> None:
    anybody = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}, "Condition": {}}

    asked = a_role().trust
    assert differences(a_role(trust=a_policy(*asked.document["Statement"], anybody))) == (
        "the trust policy has [Allow sts:assumerole for AWS * if …]",
    )


def test_boundary_session_and_description_are_told() -> None:
    observed = a_role(permissions_boundary="arn:aws:iam::123456789012:policy/wide", max_session_duration=43200)

    assert differences(replace(observed, description="mine")) == (
        f"the permissions boundary is arn:aws:iam::123456789012:policy/wide instead of {BOUNDARY}",
        "the description is another",
        "the longest session is 43200 s instead of 3600 s",
    )


def test_of_description_and_session_only_what_differs_is_told() -> None:
    assert differences(replace(a_role(), description="mine")) == ("the description is another",)
    assert differences(a_role(max_session_duration=43200)) == ("the longest session is 43200 s instead of 3600 s",)


def test_a_boundary_that_is_gone_or_too_many_is_told() -> None:
    unbounded = an_administration(permissions_boundaries={}, allow_unbounded_roles=True)

    assert differences(a_role(permissions_boundary=None)) == (
        f"the permissions boundary is missing instead of {BOUNDARY}",
    )
    assert differences(a_role(), administration=unbounded) == (f"there is a permissions boundary, {BOUNDARY}",)


def test_tags_are_told_by_their_keys() -> None:
    administration = an_administration(allowed_role_tag_keys=("team",))
    tags = {**a_role().tags, "apono.io/name": "other", "team": "x"}
    del tags["apono.io/managed-by"]

    assert differences(a_role(tags=tags), administration=administration) == (
        "there is a tag team",
        "the tag apono.io/managed-by is missing instead of apono-operator",
        "the tag apono.io/name is other instead of production",
    )


def test_attachments_are_told_by_their_arns() -> None:
    administration = an_administration(allowed_managed_policy_arns=("arn:aws:iam::aws:policy/Listed",))
    attached = sorted(a_role().managed_policy_arns or ())
    observed = a_role(managed_policy_arns=frozenset({*attached[1:], "arn:aws:iam::aws:policy/Listed"}))

    assert differences(observed, administration=administration) == (
        "the managed policy arn:aws:iam::aws:policy/Listed is attached",
        f"the managed policy {attached[0]} is not attached",
    )


def test_what_deletes_a_role_puts_no_drift_right() -> None:
    assert role_differences((plan.DeleteRole("any"),), a_role()) == ()


# --- objects --------------------------------------------------------------------------------------------------------


def the_objects(inputs: Inputs | None = None) -> dict[ObjectKey, Manifest]:
    return dict(desired_state(inputs or some_inputs()).objects)


def the_changes(observed: Mapping[ObjectKey, Manifest]) -> tuple[plan.ApplyObject, ...]:
    return plan_objects(desired_state(some_inputs()), observed, an_owner())


def test_objects_are_told_by_paths_and_never_by_values() -> None:
    objects = the_objects()
    key = next(key for key in objects if key.kind == "Deployment")
    spec = {**objects[key]["spec"], "replicas": 7}
    observed = {key: {**objects[key], "spec": spec}}

    lines = object_differences(the_changes(observed))

    assert lines == (
        "ServiceAccount apono/apono-connector-production is missing",
        "Secret apono/apono-connector-production is missing",
        "Deployment apono/apono-connector-production: spec.replicas",
    )


def test_whatever_differs_on_an_object_is_the_doing_of_others() -> None:
    assert all(is_object_drift(change) for change in the_changes({}))
    spoilt = {key: {**manifest, "spec": {}} for key, manifest in the_objects().items() if key.kind == "Deployment"}
    assert all(is_object_drift(change) for change in the_changes(spoilt))


def test_our_own_account_of_restarts_is_no_drift() -> None:
    restarted = the_objects(some_inputs(restarts=1, settled=1))

    changes = the_changes(restarted)
    assert [change.manifest["kind"] for change in changes] == ["Deployment"]
    assert not any(is_object_drift(change) for change in changes)


def test_a_situation_is_another_once_an_object_is_or_should_be_another() -> None:
    desired = next(manifest for key, manifest in the_objects().items() if key.kind == "Deployment")
    now = situation(desired, desired)

    assert now != situation({**desired, "spec": {}}, desired)
    assert now != situation(desired, {**desired, "spec": {}})
    assert now != situation(desired, {**desired, "metadata": {**desired["metadata"], "labels": {}}})


def test_versions_and_status_of_an_object_make_no_other_situation() -> None:
    desired = next(manifest for key, manifest in the_objects().items() if key.kind == "Deployment")
    counted = {"generation": 2, "managedFields": [], "resourceVersion": "2"}
    later = {**desired, "metadata": {**desired["metadata"], **counted}, "status": {"replicas": 1}}

    assert situation(desired, desired) == situation(desired, later)


# --- who had the role before ----------------------------------------------------------------------------------------


def test_a_role_of_an_earlier_object_is_taken_up_from_it() -> None:
    earlier = a_role(tags={**a_role().tags, "apono.io/uid": "the-uid-before"})

    assert taken_up_from(earlier, an_owner()) == "the-uid-before"


def test_nothing_is_taken_up_where_there_is_no_role_or_our_own_or_one_without_the_tag() -> None:
    untagged = {key: value for key, value in a_role().tags.items() if key != "apono.io/uid"}

    assert taken_up_from(None, an_owner()) is None
    assert taken_up_from(a_role(), an_owner()) is None
    assert taken_up_from(a_role(tags=untagged), an_owner()) is None


# --- what users read ------------------------------------------------------------------------------------------------


def test_nothing_that_differs_is_no_drift() -> None:
    assert drift_finding((), (), ARN) is None


def test_drift_names_what_others_changed() -> None:
    finding = drift_finding(("a is missing", "b is c"), (), ARN)

    assert finding is not None
    assert (finding.reason, finding.message) == (Reason.DRIFTED, "Changed by others: a is missing; b is c.")


def test_policies_of_others_are_told_and_left_alone() -> None:
    finding = drift_finding((), ("inline policy x",), ARN)

    assert finding is not None
    assert finding.reason is Reason.FOREIGN_POLICIES
    assert finding.message == f"On role {ARN}, and not this connector's: inline policy x; left alone."


def test_drift_goes_before_policies_of_others() -> None:
    finding = drift_finding(("a is missing",), ("inline policy x",), ARN)

    assert finding is not None
    assert finding.reason is Reason.DRIFTED
    assert "inline policy x" in finding.message


def test_a_suspension_says_what_waits() -> None:
    assert suspension_finding(()).message == "Nothing is changed while spec.suspend is true."
    assert suspension_finding(("a is missing",)).message.endswith("Not as asked: a is missing.")


def test_a_role_that_may_not_be_made_is_missing() -> None:
    reported = untouched_role_finding(REPORT, a_role(), None)
    suspended = untouched_role_finding(SUSPENDED, a_role(), None)

    assert (reported.status, reported.reason, reported.awaits) == (
        ConditionStatus.FALSE,
        Reason.ROLE_MISSING,
        Next.SOMEBODY,
    )
    assert "spec.driftPolicy is Report" in reported.message
    assert suspended.awaits is Next.NOTHING
    assert "spec.suspend is true" in suspended.message


def test_a_role_that_others_changed_still_serves() -> None:
    for mandate in (REPORT, FROZEN):
        finding = untouched_role_finding(mandate, a_role(), a_role())
        assert (finding.good, finding.reason) == (True, Reason.ROLE_DIFFERS)


def test_a_role_that_waits_for_a_new_wish_is_not_as_asked() -> None:
    finding = untouched_role_finding(SUSPENDED, a_role(), a_role())

    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, Reason.SUSPENDED)


AVAILABLE = found(Reason.PODS_AVAILABLE, "1 of 1 pods are available.")
NOT_INJECTED = waits(Reason.ROLE_NOT_INJECTED, "Pods without it are started anew.")


def test_objects_that_may_not_be_made_are_missing() -> None:
    finding = untouched_objects_finding(REPORT, the_changes({}), {}, AVAILABLE)

    assert finding.reason is Reason.OBJECT_MISSING
    assert finding.message.startswith("ServiceAccount apono/apono-connector-production, Secret")


def test_objects_that_wait_for_a_new_wish_are_not_as_asked() -> None:
    before = the_objects(some_inputs(token="the-token-before"))

    assert untouched_objects_finding(SUSPENDED, the_changes(before), before, AVAILABLE).reason is Reason.SUSPENDED


def test_objects_that_others_changed_are_judged_by_their_pods() -> None:
    observed = {key: {**manifest, "spec": {}} for key, manifest in the_objects().items()}

    assert untouched_objects_finding(REPORT, the_changes(observed), observed, AVAILABLE) == AVAILABLE
    assert untouched_objects_finding(SUSPENDED, (), the_objects(), AVAILABLE) == AVAILABLE


def test_pods_without_the_role_that_may_not_be_started_anew_are_told_so() -> None:
    finding = untouched_objects_finding(FROZEN, (), the_objects(), NOT_INJECTED)

    assert (finding.reason, finding.awaits) == (Reason.ROLE_NOT_INJECTED, Next.SOMEBODY)
    assert "spec.suspend is true" in finding.message


# --- what is begun --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "objects", "left"),
    [
        (Mandate(carried_out=True), Mandate(carried_out=True), Digest("r", "o")),
        (Mandate(carried_out=False), Mandate(carried_out=True), Digest("", "o")),
        (Mandate(carried_out=True), Mandate(carried_out=False), Digest("r", "")),
        (SUSPENDED, SUSPENDED, Digest("r", "o")),
    ],
)
def test_what_is_begun_is_not_as_applied_any_more(role: Mandate, objects: Mandate, left: Digest) -> None:
    assert Digest("r", "o").begun(role=role, objects=objects) == left


# --- stacks -----------------------------------------------------------------------------------------------------------


def test_a_stack_that_may_not_be_made_or_changed_is_told() -> None:
    missing = untouched_stack_finding(REPORT, "apono-a", missing=True)
    waiting = untouched_stack_finding(SUSPENDED, "apono-a", missing=False)
    differing = untouched_stack_finding(REPORT, "apono-a", missing=False)

    assert (missing.reason, missing.awaits) == (Reason.OBJECT_MISSING, Next.SOMEBODY)
    assert waiting.reason is Reason.SUSPENDED
    assert (differing.good, differing.reason) == (True, Reason.STACK_DIFFERS)


def test_the_stack_is_a_part_of_what_was_carried_out_in_a_mode_that_has_one() -> None:
    with_stack = replace(a_digest(), stack="0123456789abcdef")

    assert Digest.parse(str(with_stack)) == with_stack
    assert Digest.parse(str(a_digest())).stack == ""
    assert (
        with_stack.begun(role=Mandate(carried_out=False), objects=Mandate(carried_out=True)).stack == with_stack.stack
    )
