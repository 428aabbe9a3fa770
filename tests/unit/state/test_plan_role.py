from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state import plan
from apono_operator.state.administration import Administration
from apono_operator.state.desired import connector_role
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.plan import plan_role, plan_role_deletion, role_conflict
from apono_operator.state.resources import IamRole
from tests.builders import a_cluster, a_role, a_spec, an_administration, an_owner, some_inputs
from tests.unit.state.simulated_iam import result, states

ANOTHER_POLICY = PolicyDocument.of({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
ALLOWED_ARN = "arn:aws:iam::123456789012:policy/team/*"
ALLOWED = [f"arn:aws:iam::123456789012:policy/team/{name}" for name in "abcdefg"]
FOREIGN = ["arn:aws:iam::123456789012:policy/audit", "arn:aws:iam::aws:policy/AdministratorAccess"]
ADMINISTRATION = an_administration(
    allowed_managed_policy_arns=(ALLOWED_ARN,), allowed_role_tag_keys=("team*",), role_tags={"cost-centre": "7"}
)


def with_arns(arns: Sequence[str]) -> IamRole:
    """The desired role with managed policies of the user's."""
    return connector_role(
        some_inputs(spec=a_spec(role={"managedPolicyArns": list(arns)}), administration=ADMINISTRATION)
    )


@st.composite
def desired_roles(draw: st.DrawFn) -> IamRole:
    tags = draw(st.dictionaries(st.sampled_from(("team", "teamwork")), st.sampled_from(("a", "b"))))
    arns = draw(st.lists(st.sampled_from(ALLOWED), unique=True))
    permissions = draw(st.sampled_from(("ReadOnly", "FullAccess")))
    boundaries = draw(st.sampled_from((ADMINISTRATION.permissions_boundaries, {})))
    spec = a_spec(role={"tags": tags, "managedPolicyArns": arns}, permissions=permissions)
    return connector_role(some_inputs(spec=spec, administration=bounded_by(boundaries)))


def bounded_by(boundaries: Any) -> Administration:
    return ADMINISTRATION.model_copy(update={"permissions_boundaries": boundaries})


@st.composite
def drifted(draw: st.DrawFn, role: IamRole) -> IamRole:
    """What may have become of *role*: everything that IAM lets somebody change, within IAM's quotas."""
    ours = draw(st.sets(st.sampled_from([*sorted(role.managed_policy_arns or ()), *ALLOWED]), max_size=8))
    foreign = draw(st.sets(st.sampled_from(FOREIGN), max_size=10 - max(len(ours), len(role.managed_policy_arns or ()))))
    tags = {key: draw(st.sampled_from((value, "drifted"))) for key, value in role.tags.items() if draw(st.booleans())}
    others = draw(st.dictionaries(st.sampled_from(("TEAM", "Team", "team-old", "owner", "aws:stack")), st.just("x")))
    lowered = {key.lower() for key in tags}
    return replace(
        role,
        permissions_boundary=draw(st.sampled_from((role.permissions_boundary, None, "arn:aws:iam::1:policy/wide"))),
        trust=draw(st.sampled_from((role.trust, ANOTHER_POLICY))),
        permissions=draw(st.sampled_from((role.permissions, ANOTHER_POLICY, None))),
        description=draw(st.sampled_from((role.description, "by hand"))),
        max_session_duration=draw(st.sampled_from((role.max_session_duration, 7200))),
        managed_policy_arns=frozenset(ours | foreign),
        tags={**tags, **{k: v for k, v in _one_case(others).items() if k.lower() not in lowered}},
    )


def _one_case(tags: dict[str, str]) -> dict[str, str]:
    return dict({key.lower(): (key, value) for key, value in tags.items()}.values())


@given(desired_roles())
def test_a_plan_makes_a_role_out_of_nothing(desired: IamRole) -> None:
    made = result(None, plan_role(desired, None, ADMINISTRATION))

    assert made == desired
    assert plan_role(desired, made, ADMINISTRATION) == ()


@given(st.data())
def test_a_plan_corrects_whatever_became_of_the_role(data: st.DataObject) -> None:
    desired = data.draw(desired_roles())
    observed = data.draw(drifted(desired))

    corrected = result(observed, plan_role(desired, observed, ADMINISTRATION))

    assert corrected is not None
    assert replace(corrected, tags={}, managed_policy_arns=None) == replace(desired, tags={}, managed_policy_arns=None)
    assert desired.tags.items() <= corrected.tags.items()
    assert (desired.managed_policy_arns or frozenset()) <= (corrected.managed_policy_arns or frozenset())
    assert plan_role(desired, corrected, ADMINISTRATION) == ()


@given(st.data())
def test_a_plan_leaves_what_is_not_ours_alone(data: st.DataObject) -> None:
    desired = data.draw(desired_roles())
    observed = data.draw(drifted(desired))

    corrected = result(observed, plan_role(desired, observed, ADMINISTRATION))

    assert corrected is not None
    assert observed.managed_policy_arns is not None
    assert corrected.managed_policy_arns == (desired.managed_policy_arns or frozenset()) | (
        observed.managed_policy_arns & set(FOREIGN)
    )
    foreign_tags = {key: value for key, value in observed.tags.items() if key in ("owner", "aws:stack", "TEAM", "Team")}
    lowered = {key.lower() for key in desired.tags}
    assert corrected.tags == {
        **desired.tags,
        **{key: value for key, value in foreign_tags.items() if key.lower() not in lowered},
    }


@given(st.data())
def test_no_step_of_a_plan_widens_a_role_outside_its_boundary(data: st.DataObject) -> None:
    desired = data.draw(desired_roles())
    observed = data.draw(drifted(desired))
    changes = plan_role(desired, observed, ADMINISTRATION)

    for before, now in pairwise(one for one in states(observed, changes) if one):
        if _powers(now) != _powers(before) and desired.permissions_boundary:
            assert now.permissions_boundary == desired.permissions_boundary
        if before.permissions_boundary and not now.permissions_boundary:
            assert _powers(now) == _powers(result(observed, changes) or now)


def _powers(role: IamRole) -> tuple[Any, ...]:
    return role.trust, role.permissions, role.managed_policy_arns


def test_a_role_is_made_with_trust_boundary_and_tags_in_one_call_before_its_policies() -> None:
    desired = connector_role(some_inputs())

    first, second, *rest = plan_role(desired, None, an_administration())

    assert first == plan.CreateRole(desired)
    assert second == plan.PutInlinePolicy(desired.name, "apono-connector", desired.permissions)
    assert rest == [plan.AttachPolicy(desired.name, arn) for arn in sorted(desired.managed_policy_arns or ())]


def test_a_role_that_is_as_asked_needs_no_change() -> None:
    assert plan_role(connector_role(some_inputs()), a_role(), an_administration()) == ()


def test_attachments_that_nobody_looked_at_are_left_alone() -> None:
    seen = a_role(managed_policy_arns=None)

    assert plan_role(connector_role(some_inputs()), seen, an_administration()) == ()


def test_a_role_without_any_managed_policies_asked_for_loses_those_of_our_lists() -> None:
    desired = replace(connector_role(some_inputs()), managed_policy_arns=None)
    arn = "arn:aws:iam::aws:policy/SecurityAudit"

    changes = plan_role(desired, a_role(managed_policy_arns=frozenset({arn})), an_administration())

    assert changes == (plan.DetachPolicy(desired.name, arn),)
    assert plan_role(desired, None, an_administration())[2:] == ()


SINGLE_DRIFTS: dict[str, tuple[dict[str, Any], plan.RoleChange]] = {
    "trust": ({"trust": ANOTHER_POLICY}, plan.PutTrust(a_role().name, a_role().trust)),
    "boundary missing": (
        {"permissions_boundary": None},
        plan.PutBoundary(a_role().name, str(a_role().permissions_boundary)),
    ),
    "another boundary": (
        {"permissions_boundary": "arn:aws:iam::1:policy/wide"},
        plan.PutBoundary(a_role().name, str(a_role().permissions_boundary)),
    ),
    "description": (
        {"description": "by hand"},
        plan.UpdateRole(a_role().name, a_role().description, 3600),
    ),
    "session": ({"max_session_duration": 43200}, plan.UpdateRole(a_role().name, a_role().description, 3600)),
    "a tag": (
        {"tags": {**a_role().tags, "apono.io/uid": "gone"}},
        plan.TagRole(a_role().name, {"apono.io/uid": an_owner().uid}),
    ),
    "permissions changed": (
        {"permissions": ANOTHER_POLICY},
        plan.PutInlinePolicy(a_role().name, "apono-connector", a_role().permissions),
    ),
    "permissions missing": (
        {"permissions": None},
        plan.PutInlinePolicy(a_role().name, "apono-connector", a_role().permissions),
    ),
}


@pytest.mark.parametrize(("drift", "change"), SINGLE_DRIFTS.values(), ids=SINGLE_DRIFTS)
def test_one_drift_is_corrected_by_one_change(drift: dict[str, Any], change: plan.RoleChange) -> None:
    assert plan_role(connector_role(some_inputs()), a_role(**drift), an_administration()) == (change,)


def test_a_boundary_goes_after_the_permissions_that_it_held_back() -> None:
    desired = replace(connector_role(some_inputs()), permissions_boundary=None)
    observed = a_role(permissions=ANOTHER_POLICY)

    changes = plan_role(desired, observed, an_administration())

    assert [type(change) for change in changes] == [plan.PutInlinePolicy, plan.DropBoundary]


def test_seven_policies_are_exchanged_for_seven_others_within_the_quota() -> None:
    seven_others = [arn.replace("/team/", "/team/other-") for arn in ALLOWED]
    desired, observed = with_arns(seven_others), with_arns(ALLOWED)

    assert result(observed, plan_role(desired, observed, ADMINISTRATION)) == desired


def test_a_tag_whose_key_changes_its_case_is_there_afterwards() -> None:
    administration = an_administration(allowed_role_tag_keys=("*",))
    desired = connector_role(some_inputs(spec=a_spec(role={"tags": {"Team": "a"}}), administration=administration))
    observed = replace(desired, tags={**a_role().tags, "team": "a"})

    assert result(observed, plan_role(desired, observed, administration)) == desired


@pytest.mark.parametrize("key", ["aws:cloudformation:stack-name", "apono.io/note", "Apono.io/note"])
def test_reserved_tags_stay_even_if_users_may_choose_any_key(key: str) -> None:
    administration = an_administration(allowed_role_tag_keys=("*",))
    observed = a_role(tags={**a_role().tags, key: "x", "team": "a"})

    changes = plan_role(connector_role(some_inputs()), observed, administration)

    assert changes == (plan.UntagRole(observed.name, frozenset({"team"})),)


@given(drifted(a_role()))
def test_a_deletion_leaves_nothing_whatever_became_of_the_role(observed: IamRole) -> None:
    role = replace(
        observed,
        other_inline_policies=frozenset({"AWSRevokeOlderSessions", "by-hand"}),
        instance_profiles=frozenset({"one", "two"}),
    )

    assert result(role, plan_role_deletion(role)) is None


def test_a_deletion_takes_our_policy_off_without_having_looked_for_it() -> None:
    seen = a_role(permissions=None, managed_policy_arns=frozenset({"arn:aws:iam::aws:policy/ViewOnly"}))

    assert plan_role_deletion(seen) == (
        plan.DetachPolicy(seen.name, "arn:aws:iam::aws:policy/ViewOnly"),
        plan.DeleteInlinePolicy(seen.name, INLINE_POLICY_NAME),
        plan.DeleteRole(seen.name),
    )


def test_policies_of_others_are_named_and_ours_are_not() -> None:
    administration = an_administration(allowed_managed_policy_arns=("arn:aws:iam::aws:policy/Listed",))
    ours = a_role().managed_policy_arns or frozenset()
    foreign = {"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/Listed"}
    observed = a_role(managed_policy_arns=ours | foreign, other_inline_policies=frozenset({"AWSRevokeOlderSessions"}))

    assert plan.foreign_policies(connector_role(some_inputs()), observed, administration) == (
        "inline policy AWSRevokeOlderSessions",
        "managed policy arn:aws:iam::aws:policy/AdministratorAccess",
    )


def test_where_nobody_looked_no_policy_is_foreign() -> None:
    observed = a_role(managed_policy_arns=None)

    assert plan.foreign_policies(connector_role(some_inputs()), observed, an_administration()) == ()


def test_there_is_nothing_to_delete_where_nothing_is() -> None:
    assert plan_role_deletion(None) == ()


def test_a_role_of_ours_or_none_is_no_conflict() -> None:
    assert role_conflict(None, a_cluster(), an_owner()) is None
    assert role_conflict(a_role(), a_cluster(), an_owner()) is None


def test_a_role_of_ours_at_another_path_is_a_conflict_as_nobody_could_assume_it_by_the_arn_in_use() -> None:
    moved = a_role().arn.replace(":role/", ":role/team/")

    conflict = role_conflict(a_role(arn=moved), a_cluster(), an_owner())

    assert f"IAM role {moved} exists and has another path than {a_role().arn}; it is left alone." in str(conflict)


def test_a_role_without_our_tags_is_a_conflict_that_says_what_to_do() -> None:
    conflict = role_conflict(a_role(tags={"team": "platform"}), a_cluster(), an_owner())

    assert str(conflict) == (
        f"IAM role {a_role().arn} exists and does not carry the tags of this connector; it is left alone. "
        "Rename or delete it, or name the connector differently."
    )
