"""Which roles have lost their connector, and what people are told of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.conditions import MESSAGE_LIMIT
from apono_operator.state.orphans import Orphan, advice, orphan, suspects
from apono_operator.state.resources import ROLE_NAME_LIMIT, Owner
from tests.builders import UID, a_cluster, an_owner

CLUSTER = a_cluster()
ELSEWHERE = a_cluster(issuer="oidc.eks.eu-west-1.amazonaws.com/id/ANOTHER")
GONE = an_owner()
ROLE = CLUSTER.role_name(GONE)
LONG = an_owner("a-connector-with-a-name-that-does-not-fit", "a-namespace-with-a-long-name")
TAGS = CLUSTER.ownership_tags(GONE)

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


# --- by name ----------------------------------------------------------------------------------------------------------


@given(names, names)
def test_a_role_of_ours_without_a_connector_is_a_suspect_whatever_it_is_called(namespace: str, name: str) -> None:
    role = CLUSTER.role_name(Owner(namespace, name, "gone"))

    assert suspects([role], [], CLUSTER, ()) == (role,)
    assert suspects([role], [], CLUSTER, (namespace,)) == (role,)


def test_roles_of_living_connectors_are_none() -> None:
    assert suspects([ROLE, CLUSTER.role_name(LONG)], [GONE, LONG], CLUSTER, ()) == ()


def test_another_connector_does_not_save_a_role() -> None:
    assert suspects([ROLE], [an_owner("staging"), an_owner(namespace="team-a")], CLUSTER, ()) == (ROLE,)


@pytest.mark.parametrize(
    "role",
    [
        "connector-operator",
        "apono-connector-",
        "apono-connector-apono-production-0000000000",
        ELSEWHERE.role_name(GONE),
    ],
)
def test_a_short_name_that_this_cluster_does_not_give_is_none_so_that_its_tags_are_not_read(role: str) -> None:
    assert suspects([role], [], CLUSTER, ()) == ()


def test_a_short_name_tells_of_a_namespace_that_is_not_watched() -> None:
    assert suspects([ROLE], [], CLUSTER, ("team-a",)) == ()


def test_of_a_name_that_was_cut_only_the_tags_tell() -> None:
    role = ELSEWHERE.role_name(LONG)

    assert len(role) == ROLE_NAME_LIMIT
    assert suspects([role], [], CLUSTER, ("team-a",)) == (role,)


# --- by tags ----------------------------------------------------------------------------------------------------------


def test_a_role_with_our_tags_is_an_orphan() -> None:
    assert orphan(ROLE, TAGS, CLUSTER, ()) == Orphan(CLUSTER.role_arn(GONE), GONE)
    assert orphan(ROLE, TAGS, CLUSTER, (GONE.namespace,)) is not None


@pytest.mark.parametrize("missing", ["apono.io/cluster", "apono.io/namespace", "apono.io/name"])
def test_a_role_that_lacks_a_tag_of_ownership_is_none(missing: str) -> None:
    assert orphan(ROLE, {key: value for key, value in TAGS.items() if key != missing}, CLUSTER, ()) is None


def test_a_role_of_another_cluster_is_none() -> None:
    assert orphan(ELSEWHERE.role_name(LONG), ELSEWHERE.ownership_tags(LONG), CLUSTER, ()) is None


def test_a_role_of_a_namespace_that_is_not_watched_is_none() -> None:
    assert orphan(CLUSTER.role_name(LONG), CLUSTER.ownership_tags(LONG), CLUSTER, ("team-a",)) is None


def test_tags_that_somebody_copied_to_another_role_make_it_none() -> None:
    assert orphan(CLUSTER.role_name(LONG), TAGS, CLUSTER, ()) is None


def test_a_role_that_is_retained_on_purpose_is_none() -> None:
    assert orphan(ROLE, {**TAGS, "apono.io/retained": UID}, CLUSTER, ()) is None


def test_a_role_that_was_retained_and_taken_up_and_lost_again_is_an_orphan() -> None:
    assert orphan(ROLE, {**TAGS, "apono.io/retained": "the-uid-before"}, CLUSTER, ()) is not None


def test_a_role_that_does_not_tell_its_connectors_uid_can_be_retained_as_well() -> None:
    tags = {key: value for key, value in TAGS.items() if key != "apono.io/uid"}

    assert orphan(ROLE, tags, CLUSTER, ()) == Orphan(CLUSTER.role_arn(GONE), an_owner(uid=""))
    assert orphan(ROLE, {**tags, "apono.io/retained": ""}, CLUSTER, ()) is None


# --- what is told -----------------------------------------------------------------------------------------------------


def test_the_advice_names_the_role_its_connector_and_each_way_out() -> None:
    text = advice(Orphan(CLUSTER.role_arn(GONE), GONE))

    for told in (
        f"Role {CLUSTER.role_arn(GONE)} ",
        "its AponoConnector is gone",
        "Apply a connector of that namespace and name",
        f"`r={ROLE};",
        'aws iam detach-role-policy --role-name $r --policy-arn "$p"',
        "aws iam delete-role-policy --role-name $r --policy-name apono-connector",
        "aws iam delete-role --role-name $r`",
        "deletionPolicy: Retain",
        f"aws iam tag-role --role-name {ROLE} --tags Key=apono.io/retained,Value={UID}`",
    ):
        assert told in text


def test_the_longest_advice_fits_into_an_event() -> None:
    longest = Owner("n" * 63, "c" * 253, UID)
    cluster = a_cluster("aws-us-gov")

    assert len(advice(Orphan(cluster.role_arn(longest), longest))) <= MESSAGE_LIMIT
