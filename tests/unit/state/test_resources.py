from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apono_operator.bootstrap import member_account
from apono_operator.state.resources import (
    ObjectKey,
    Owner,
    State,
    account_of,
    is_controlled_by,
    key_of,
    look_asked_for,
    shortened,
)
from apono_operator.templates.management_account import template
from tests.builders import ISSUER, UID, a_cluster, a_role, an_owner
from tests.unit.state.strategies import OWNERS

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
LONGEST = Owner("n" * 63, f"{'a' * 200}.{'b' * 52}", UID)


def is_dns_subdomain(name: str) -> bool:
    return all(DNS_LABEL.fullmatch(label) for label in name.split("."))


@given(OWNERS)
def test_every_connector_has_a_role_name_that_iam_takes(owner: Owner) -> None:
    assert ROLE_NAME.fullmatch(a_cluster().role_name(owner))


@given(OWNERS, OWNERS)
def test_two_connectors_never_share_a_role(one: Owner, other: Owner) -> None:
    assume(one != other)

    assert a_cluster().role_name(one) != a_cluster().role_name(other)


CONFUSABLE = {
    "a dash that belongs to one or to the other": (Owner("a-b", "c", UID), Owner("a", "b-c", UID)),
    "long names that differ at their end": (Owner("apono", "a" * 252 + "b", UID), Owner("apono", "a" * 253, UID)),
    "long namespaces that differ at their end": (Owner("a" * 62 + "b", "c", UID), Owner("a" * 63, "c", UID)),
    "long names of one letter": (Owner("a" * 40, "a" * 60, UID), Owner("a" * 41, "a" * 59, UID)),
    "namespace and name exchanged": (Owner("a", "b", UID), Owner("b", "a", UID)),
}


@pytest.mark.parametrize(("one", "other"), CONFUSABLE.values(), ids=CONFUSABLE)
def test_connectors_that_look_alike_have_roles_of_their_own(one: Owner, other: Owner) -> None:
    assert a_cluster().role_name(one) != a_cluster().role_name(other)


def test_connectors_of_one_name_in_two_clusters_have_roles_of_their_own() -> None:
    elsewhere = a_cluster(issuer=f"{ISSUER}2")

    assert a_cluster().role_name(an_owner()) != elsewhere.role_name(an_owner())


def test_a_connector_made_anew_has_the_role_of_the_one_before() -> None:
    again = an_owner(uid="another-uid")

    assert a_cluster().role_name(again) == a_cluster().role_name(an_owner())


READABLE = {
    "both fit": (Owner("apono", "production", UID), "apono-connector-apono-production-"),
    "a long name is cut": (Owner("apono", "p" * 60, UID), f"apono-connector-apono-{'p' * 31}-"),
    "a long namespace is cut": (Owner("n" * 63, "production", UID), f"apono-connector-{'n' * 26}-production-"),
    "two long ones share the room": (LONGEST, f"apono-connector-{'n' * 18}-{'a' * 18}-"),
}


@pytest.mark.parametrize(("owner", "beginning"), READABLE.values(), ids=READABLE)
def test_a_role_name_shows_as_much_of_namespace_and_name_as_fits(owner: Owner, beginning: str) -> None:
    name = a_cluster().role_name(owner)

    assert re.fullmatch(re.escape(beginning) + "[0-9a-f]{10}", name)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_arns_name_the_partition_and_no_path(partition: str) -> None:
    cluster = a_cluster(partition)

    assert cluster.role_arn(an_owner()) == f"arn:{partition}:iam::123456789012:role/{cluster.role_name(an_owner())}"
    assert cluster.provider_arn == f"arn:{partition}:iam::123456789012:oidc-provider/{ISSUER}"


# --- names in the management account ----------------------------------------------------------------------------------


@given(OWNERS)
def test_every_connector_has_a_stack_name_that_cloudformation_takes(owner: Owner) -> None:
    name = a_cluster().stack_name(owner)

    assert re.fullmatch(r"apono-[-a-zA-Z0-9]*-[0-9a-f]{10}", name)
    assert len(name) <= 128


@given(OWNERS)
def test_every_connector_has_a_management_role_name_that_the_template_takes(owner: Owner) -> None:
    parameter = template()["Parameters"]["ManagementRoleName"]
    name = a_cluster().management_role_name(owner)

    assert re.fullmatch(parameter["AllowedPattern"], name)
    assert ROLE_NAME.fullmatch(name)
    assert not name.startswith("apono-connector-")


@given(OWNERS)
def test_every_connector_has_a_name_for_its_member_roles_that_both_templates_take(owner: Owner) -> None:
    name = a_cluster().member_role_name(owner)

    for templates_own in (template(), member_account.template()):
        assert re.fullmatch(templates_own["Parameters"]["MemberRoleName"]["AllowedPattern"], name)
    assert ROLE_NAME.fullmatch(name)
    assert len(f"connector-boundary-FullAccess-{name}") <= 128


@given(OWNERS)
def test_names_in_the_management_account_end_in_the_whole_hash_of_the_connectors_own_role(owner: Owner) -> None:
    cluster = a_cluster()
    digest = cluster.role_name(owner)[-11:]

    assert cluster.stack_name(owner).endswith(digest)
    assert cluster.management_role_name(owner).endswith(digest)
    assert cluster.member_role_name(owner).endswith(digest)


NAMED_ALIKE = {**CONFUSABLE, "a dot for a dash": (Owner("a", "b.c", UID), Owner("a", "b-c", UID))}


@pytest.mark.parametrize(("one", "other"), NAMED_ALIKE.values(), ids=NAMED_ALIKE)
def test_connectors_that_look_alike_have_stacks_and_management_roles_of_their_own(one: Owner, other: Owner) -> None:
    cluster = a_cluster()

    assert cluster.stack_name(one) != cluster.stack_name(other)
    assert cluster.management_role_name(one) != cluster.management_role_name(other)
    assert cluster.member_role_name(one) != cluster.member_role_name(other)


def test_connectors_of_one_name_in_two_clusters_share_nothing_in_the_organization() -> None:
    here, elsewhere = a_cluster(), a_cluster(issuer=f"{ISSUER}2")

    assert here.stack_name(an_owner()) != elsewhere.stack_name(an_owner())
    assert here.management_role_name(an_owner()) != elsewhere.management_role_name(an_owner())
    assert here.member_role_name(an_owner()) != elsewhere.member_role_name(an_owner())


def test_names_in_the_management_account_show_namespace_and_name() -> None:
    assert a_cluster().stack_name(an_owner()).startswith("apono-apono-production-")
    assert a_cluster().management_role_name(an_owner()).startswith("apono-management-apono-production-")
    assert len(a_cluster().stack_name(LONGEST)) == 128
    assert len(a_cluster().management_role_name(LONGEST)) == 64
    assert a_cluster().member_role_name(an_owner()).startswith("apono-member-apono-production-")
    assert len(a_cluster().member_role_name(LONGEST)) == 64


def test_a_roles_name_is_the_end_of_its_arn() -> None:
    assert a_role().name == a_cluster().role_name(an_owner())


@given(OWNERS)
def test_every_connector_has_children_whose_names_the_api_server_takes(owner: Owner) -> None:
    assert len(owner.child_name) <= 63
    assert is_dns_subdomain(owner.child_name)


@given(OWNERS)
def test_every_connector_has_a_label_that_the_api_server_takes(owner: Owner) -> None:
    assert len(owner.label) <= 63
    assert LABEL_VALUE.fullmatch(owner.label)


@pytest.mark.parametrize(
    "owner",
    [LONGEST, Owner("n" * 63, "a" * 253, UID), Owner("n", ".".join("a" * 127), UID)],
    ids=["dotted", "plain", "dots"],
)
def test_the_longest_names_are_cut_to_fit(owner: Owner) -> None:
    assert len(a_cluster().role_name(owner)) == 64
    assert is_dns_subdomain(owner.child_name)
    assert LABEL_VALUE.fullmatch(owner.label)


@given(OWNERS, OWNERS)
def test_two_connectors_of_a_namespace_never_share_children(one: Owner, other: Owner) -> None:
    assume(one.name != other.name)

    assert one.child_name != other.child_name
    assert one.label != other.label


def test_no_connector_can_be_called_like_the_label_of_another() -> None:
    label = an_owner("a" * 64).label

    assert not is_dns_subdomain(label)


@given(OWNERS)
def test_no_connector_can_be_called_so_that_its_children_are_named_like_the_hashed_ones_of_another(
    owner: Owner,
) -> None:
    """The character behind the prefix is a name's first, which is no dash, or the second dash of a hashed name."""
    behind_the_prefix = owner.child_name.removeprefix("apono-connector-")

    assert behind_the_prefix.startswith("-") is (len(owner.name) > 47)
    assert behind_the_prefix.startswith("-") or behind_the_prefix == owner.name


def test_a_connector_named_like_the_hash_of_another_has_children_of_its_own() -> None:
    long = an_owner("a" * 64)
    forged = an_owner(long.child_name.removeprefix("apono-connector--"))

    assert forged.child_name == f"apono-connector-{forged.name}"
    assert forged.child_name != long.child_name


def test_short_names_are_kept_whole() -> None:
    owner = an_owner("production.eu")

    assert (owner.child_name, owner.label) == ("apono-connector-production.eu", "production.eu")


@given(st.text("ab.-", min_size=1, max_size=80), st.integers(10, 63))
def test_what_is_shortened_fits_and_does_not_join_its_hash_by_dots_or_dashes(text: str, limit: int) -> None:
    result = shortened(text, limit)

    assert len(result) <= limit
    assert result == text or not re.search(r"[.-]-[0-9a-f]{8}$", result)


def test_children_name_the_connector_as_their_controller() -> None:
    assert an_owner().reference == {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "name": "production",
        "uid": UID,
        "controller": True,
        "blockOwnerDeletion": True,
    }


CONTROL = {
    "our reference": ([an_owner().reference], True),
    "our reference among others": ([{"uid": "x", "controller": False}, an_owner().reference], True),
    "no references": ([], False),
    "an owner of our name that is gone": ([an_owner(uid="gone").reference], False),
    "an owner that is no controller": ([{"uid": UID}], False),
}


@pytest.mark.parametrize(("references", "ours"), CONTROL.values(), ids=CONTROL)
def test_an_object_is_ours_if_our_uid_controls_it(references: list[dict[str, object]], ours: bool) -> None:  # noqa: FBT001 -- a table's column
    assert is_controlled_by({"metadata": {"ownerReferences": references}}, an_owner()) is ours


def test_an_object_that_names_no_owner_is_not_ours() -> None:
    assert not is_controlled_by({"metadata": {}}, an_owner())


def test_tags_prove_a_role_to_be_a_connectors_own() -> None:
    assert a_cluster().ownership_tags(an_owner()) == {
        "apono.io/cluster": ISSUER,
        "apono.io/namespace": "apono",
        "apono.io/name": "production",
        "apono.io/uid": UID,
        "apono.io/managed-by": "apono-operator",
    }


OWNERSHIP = {
    "exactly our tags": ({}, True),
    "our tags and others": ({"team": "platform"}, True),
    "the tags of an earlier connector of this name": ({"apono.io/uid": "gone"}, True),
    "another cluster": ({"apono.io/cluster": f"{ISSUER}2"}, False),
    "another namespace": ({"apono.io/namespace": "other"}, False),
    "another name": ({"apono.io/name": "other"}, False),
    "somebody else says to keep it": ({"apono.io/managed-by": "terraform"}, True),
}


@pytest.mark.parametrize(("changed", "ours"), OWNERSHIP.values(), ids=OWNERSHIP)
def test_a_role_is_ours_by_its_tags(changed: dict[str, str], ours: bool) -> None:  # noqa: FBT001 -- a table's column
    tags = {**a_cluster().ownership_tags(an_owner()), **changed}

    assert a_cluster().owns(tags, an_owner()) is ours


@pytest.mark.parametrize("missing", ["cluster", "namespace", "name"])
def test_a_role_that_lacks_one_of_the_tags_is_not_ours(missing: str) -> None:
    tags = a_cluster().ownership_tags(an_owner())
    del tags[f"apono.io/{missing}"]

    assert not a_cluster().owns(tags, an_owner())


def test_what_iam_alone_knows_of_a_role_makes_no_drift() -> None:
    seen = a_role(role_id="AROAOTHER", other_inline_policies=frozenset({"x"}), instance_profiles=frozenset({"y"}))

    assert seen == a_role()


def test_a_manifest_is_known_by_kind_namespace_and_name() -> None:
    key = key_of({"kind": "Secret", "metadata": {"namespace": "apono", "name": "token"}})

    assert key == ObjectKey("Secret", "apono", "token")
    assert str(key) == "Secret apono/token"


def test_a_look_is_asked_for_by_an_annotation() -> None:
    assert look_asked_for({"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}}) == "now"
    assert look_asked_for({"metadata": {"annotations": {"somebody/else": "now"}}}) is None
    assert look_asked_for({"metadata": {}}) is None


def test_an_empty_state_holds_nothing() -> None:
    assert (State().role, State().objects) == (None, {})


ACCOUNTS: dict[str, tuple[object, str | None]] = {
    "a role": (a_role().arn, "123456789012"),
    "a role of another partition": ("arn:aws-us-gov:iam::210987654321:role/x", "210987654321"),
    "a thing of a region": ("arn:aws:sts:eu-west-1:123456789012:assumed-role/x/y", "123456789012"),
    "a thing without an account": ("arn:aws:s3:::bucket", None),
    "an account of AWS itself": ("arn:aws:iam::aws:policy/SecurityAudit", None),
    "too short a number": ("arn:aws:iam::12345678901:role/x", None),
    "too long a number": ("arn:aws:iam::1234567890123:role/x", None),
    "an account that is not where it should be": ("x arn:aws:iam::123456789012:role/x", None),
    "no text": (123456789012, None),
    "nothing yet": (None, None),
    "an empty text": ("", None),
}


@pytest.mark.parametrize(("arn", "account"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_an_arn_tells_its_account_and_what_is_no_arn_tells_none(arn: object, account: str | None) -> None:
    """It may be what somebody else wrote into a status."""
    assert account_of(arn) == account
