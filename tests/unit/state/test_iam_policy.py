from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apono_operator.state.desired import connector_role
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import permissions_document
from apono_operator.v1alpha1 import PermissionSet
from tests.builders import some_inputs
from tests.unit.state.mutations import mutations
from tests.unit.state.strategies import documents, respelled

Json = dict[str, Any]
Change = Callable[[Json], object]


def document(**statement: Any) -> Json:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", **statement}]}


@given(st.data())
def test_a_document_equals_every_other_spelling_of_itself(data: st.DataObject) -> None:
    given_one = data.draw(documents())

    other = data.draw(respelled(given_one))

    assert PolicyDocument.of(other) == PolicyDocument.of(given_one)
    assert hash(PolicyDocument.of(other)) == hash(PolicyDocument.of(given_one))


CHANGES: dict[str, Change] = {
    "another effect": lambda one: one.update(Effect="Deny" if one["Effect"] == "Allow" else "Allow"),
    "one action more": lambda one: one["Action"].append("s3:DeleteObject"),
    "another action": lambda one: one.update(Action=["s3:DeleteObject"]),
    "all actions": lambda one: one.update(Action="*"),
    "all actions but these": lambda one: one.update(NotAction=one.pop("Action")),
    "one resource less": lambda one: one["Resource"].pop(),
    "a resource in another case": lambda one: one.update(Resource=[arn.upper() for arn in one["Resource"]]),
    "all resources": lambda one: one.update(Resource="*"),
    "all resources but these": lambda one: one.update(NotResource=one.pop("Resource")),
    "one condition more": lambda one: one.setdefault("Condition", {}).update(Bool={"aws:SecureTransport": "true"}),
    "a value in another case": lambda one: one.update(Condition={"StringEquals": {"aws:RequestedRegion": "EU-WEST-1"}}),
    "anybody as principal": lambda one: one.update(Principal="*"),
    "another account as principal": lambda one: one.update(Principal={"AWS": "111122223333"}),
    "a role as principal": lambda one: one.update(Principal={"AWS": "arn:aws:iam::123456789012:role/admin"}),
    "all principals but one": lambda one: one.update(NotPrincipal={"AWS": "111122223333"}),
    "an element nobody knows": lambda one: one.update(Mystery="yes"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@settings(max_examples=12)
@given(data=st.data())
def test_a_document_differs_from_one_that_grants_anything_else(change: Change, data: st.DataObject) -> None:
    before = data.draw(documents())
    after = copy.deepcopy(before)

    change(data.draw(st.sampled_from(after["Statement"])))

    assert PolicyDocument.of(after) != PolicyDocument.of(before)


@given(documents())
def test_a_document_without_one_of_its_statements_is_another(before: Json) -> None:
    rest = [*before["Statement"][1:], {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]

    assert PolicyDocument.of({**before, "Statement": rest}) != PolicyDocument.of(before)


@given(documents())
def test_every_single_change_of_a_document_makes_it_another(before: Json) -> None:
    meant = PolicyDocument.of(before)

    same = [name for name, after in mutations(before) if PolicyDocument.of(after) == meant]

    assert same == []


OURS: dict[str, PolicyDocument] = {
    **{f"permissions {one}": permissions_document(one, "aws") for one in PermissionSet},
    "trust": connector_role(some_inputs()).trust,
}


@pytest.mark.parametrize("ours", OURS.values(), ids=OURS)
def test_every_single_change_of_our_own_documents_makes_them_others(ours: PolicyDocument) -> None:
    changes = dict(mutations(ours.document))

    same = [name for name, after in changes.items() if PolicyDocument.of(after) == ours]

    assert len(changes) > 20
    assert same == []


@pytest.mark.parametrize("ours", OURS.values(), ids=OURS)
@settings(max_examples=12)
@given(data=st.data())
def test_our_own_documents_equal_every_other_spelling_of_themselves(ours: PolicyDocument, data: st.DataObject) -> None:
    assert PolicyDocument.of(data.draw(respelled(dict(ours.document)))) == ours


@given(documents())
def test_what_is_sent_to_iam_means_the_same_when_it_comes_back(sent: Json) -> None:
    text = PolicyDocument.of(sent).json

    assert PolicyDocument.of(json.loads(text)) == PolicyDocument.of(sent)
    assert json.loads(text) == sent


def test_the_text_for_iam_has_no_white_space_and_keeps_the_order_of_statements() -> None:
    first, second = {"Effect": "Deny", "Action": "s3:*"}, {"Effect": "Allow", "Action": "ec2:*"}

    text = PolicyDocument.of({"Statement": [first, second]}).json

    assert text == '{"Statement":[{"Effect":"Deny","Action":"s3:*"},{"Effect":"Allow","Action":"ec2:*"}]}'


EQUAL: dict[str, tuple[Json, Json]] = {
    "everybody, in short and in full": (document(Principal="*"), document(Principal={"AWS": "*"})),
    "an account of another partition": (
        document(Principal={"AWS": "123456789012"}),
        document(Principal={"AWS": ["arn:aws-us-gov:iam::123456789012:root"]}),
    ),
    "truth as a word and as a value": (
        document(Condition={"Bool": {"aws:SecureTransport": "true"}}),
        document(Condition={"Bool": {"aws:SecureTransport": True}}),
    ),
    "a number as a word and as a value": (
        document(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}),
        document(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}),
    ),
    "the oldest version, named or not": (
        {**document(), "Version": "2008-10-17"},
        {"Statement": document()["Statement"]},
    ),
    "what is left out, in other words": (
        {
            "Statement": {
                "Effect": "Deny",
                "NotAction": ["iam:PassRole", "s3:GetObject"],
                "NotResource": ["arn:aws:s3:::a", "arn:aws:s3:::b"],
                "NotPrincipal": {"AWS": "123456789012"},
            }
        },
        {
            "Statement": {
                "Effect": "Deny",
                "NotAction": ["s3:getobject", "IAM:PassRole"],
                "NotResource": ["arn:aws:s3:::b", "arn:aws:s3:::a"],
                "NotPrincipal": {"AWS": ["arn:aws:iam::123456789012:root"]},
            }
        },
    ),
    "a statement twice": (document(), {**document(), "Statement": document()["Statement"] * 2}),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_spellings_that_mean_the_same_are_equal(one: Json, other: Json) -> None:
    assert PolicyDocument.of(one) == PolicyDocument.of(other)


def with_condition(action: str) -> Json:
    return {"Effect": "Allow", "Action": action, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}


DIFFERENT: dict[str, tuple[Json, Json]] = {
    "versions, which decide about policy variables": (document(), {**document(), "Version": "2008-10-17"}),
    "an account and a user called root": (
        document(Principal={"AWS": "123456789012"}),
        document(Principal={"AWS": "arn:aws:iam::123456789012:user/root"}),
    ),
    "a service and an account": (
        document(Principal={"AWS": "123456789012"}),
        document(Principal={"Service": "123456789012"}),
    ),
    "condition operators": (
        document(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-k012345a67"}}),
        document(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-k012345a67"}}),
    ),
    "a condition key given twice in two cases": (
        document(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1", "AWS:RequestedRegion": "us-east-1"}}),
        document(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
    ),
    "values of a condition in another case": (
        document(Condition={"StringEquals": {"aws:PrincipalTag/team": "Red"}}),
        document(Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
    ),
    "values of a condition, and their negation": (
        document(Condition={"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}),
        document(Condition={"ForAllValues:StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}),
    ),
    "a condition on one statement and on another": (
        {"Statement": [with_condition("s3:GetObject"), {"Effect": "Allow", "Action": "s3:PutObject"}]},
        {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}, with_condition("s3:PutObject")]},
    ),
    "one statement and two that share its parts": (
        {"Statement": {"Effect": "Allow", "Action": ["a:x", "a:y"], "Resource": ["1", "2"]}},
        {
            "Statement": [
                {"Effect": "Allow", "Action": "a:x", "Resource": "1"},
                {"Effect": "Allow", "Action": "a:y", "Resource": "2"},
            ]
        },
    ),
    "resources in another case": (document(Resource="arn:aws:s3:::a"), document(Resource="arn:aws:s3:::A")),
    "roles in another case": (
        document(Principal={"AWS": "arn:aws:iam::123456789012:role/a"}),
        document(Principal={"AWS": "arn:aws:iam::123456789012:role/A"}),
    ),
    "a role and the unique id that IAM shows when it is gone": (
        document(Principal={"AWS": "arn:aws:iam::123456789012:role/a"}),
        document(Principal={"AWS": "AROAEXAMPLEEXAMPLE123"}),
    ),
    "no condition and one": (document(), document(Condition={"Null": {"aws:TokenIssueTime": "false"}})),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_documents_that_do_not_mean_the_same_differ(one: Json, other: Json) -> None:
    assert PolicyDocument.of(one) != PolicyDocument.of(other)


MALFORMED: dict[str, tuple[Json, str]] = {
    "no statement": ({"Version": "2012-10-17"}, "at least one Statement"),
    "an empty list of statements": ({"Statement": []}, "at least one Statement"),
    "a statement that is text": ({"Statement": ["Allow all"]}, "must be an object"),
}


@pytest.mark.parametrize(("malformed", "message"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_policy_document_is_refused(malformed: Json, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PolicyDocument.of(malformed)
