"""The stack in the management account: what it is given, and whether the role in it lets the connector in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from apono_operator.state.finding import Finding, Next, Refusal
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.management_stack import (
    StackInputs,
    contained_stack,
    management_role_arn_finding,
    management_role_finding,
    management_stack,
    stricter_boundary,
    unit_of,
)
from apono_operator.state.resources import IamRole
from apono_operator.state.stack import (
    ROLE_OUTPUT,
    STACK_SET_OUTPUT,
    TEMPLATE_TAG,
    ObservedStack,
    Stack,
    Template,
    stack_set_of,
)
from apono_operator.state.template_summary import TemplateSummary
from apono_operator.templates import management_account as own
from apono_operator.v1alpha1 import ConditionStatus, PermissionSet, Reason
from tests.builders import (
    ACCOUNT,
    MANAGEMENT_ACCOUNT,
    ORGANIZATION,
    UNIT,
    Json,
    a_cluster,
    a_management_account,
    a_role,
    an_organizations_spec,
    an_owner,
)

INPUTS = StackInputs(an_organizations_spec(), an_owner(), a_cluster(), a_management_account())
CONNECTOR_ROLE = a_role().arn
ROLE_ID, OLD_ID = "AROACONNECTOR", "AROAGONE"
NAME = a_cluster().management_role_name(an_owner())
ARN = f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/{NAME}"
BOUNDARY = f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:policy/boundary-ReadOnly"
URL = Template("d1", url="https://bucket.s3.amazonaws.com/management-account.yaml")
OWN = TemplateSummary(
    {name: "Default" not in one for name, one in own.template()["Parameters"].items()},
    own.CAPABILITIES,
    ("AWS::IAM::Role", "AWS::CloudFormation::StackSet"),
    (),
)
MEMBERS = "https://bucket.s3.amazonaws.com/member-account.yaml"


def a_stack(summary: TemplateSummary = OWN, **changes: Any) -> Stack:
    made = management_stack(replace(INPUTS, **changes), URL, summary)
    assert isinstance(made, Stack)
    return made


def a_refusal(summary: TemplateSummary, **changes: Any) -> Refusal:
    refused = management_stack(replace(INPUTS, **changes), URL, summary)
    assert isinstance(refused, Refusal)
    return refused


# --- the stack --------------------------------------------------------------------------------------------------------


def test_our_own_template_is_given_a_value_for_each_of_its_parameters() -> None:
    assert a_stack().parameters == {
        "AponoConnectorId": "production",
        "ConnectorRoleArn": CONNECTOR_ROLE,
        "OrganizationId": ORGANIZATION,
        "OrganizationUnitId": UNIT,
        "Permissions": "ReadOnly",
        "PermissionsBoundaryArn": BOUNDARY,
        "ManagementRoleName": NAME,
        "MemberTemplateUrl": "",
        "MemberRoleName": a_cluster().member_role_name(an_owner()),
    }
    assert set(a_stack().parameters) == set(own.template()["Parameters"])


def test_a_stack_is_made_as_the_management_accounts_entry_says() -> None:
    account = INPUTS.account
    stack = a_stack()

    assert (stack.account_id, stack.region) == (MANAGEMENT_ACCOUNT, "eu-west-1")
    assert stack.service_role_arn == account.cloud_formation_role_arn
    assert stack.name == a_cluster().stack_name(an_owner())
    assert stack.capabilities == ("CAPABILITY_NAMED_IAM",)
    assert stack.template is URL


def test_a_stack_carries_the_tags_of_its_owner_and_of_its_template() -> None:
    assert a_stack().tags == {**a_cluster().ownership_tags(an_owner()), TEMPLATE_TAG: "d1"}


def test_a_stack_is_the_same_however_often_it_is_thought_of() -> None:
    assert a_stack() == a_stack()
    assert a_stack().digest == a_stack().digest


def test_what_the_manifest_says_is_passed_on() -> None:
    spec = an_organizations_spec(
        connectorId="Prod_1", permissions="FullAccess", target={"organizationUnitId": "r-1a2b"}
    )

    parameters = a_stack(spec=spec).parameters

    assert parameters["AponoConnectorId"] == "Prod_1"
    assert parameters["Permissions"] == "FullAccess"
    assert parameters["PermissionsBoundaryArn"] == INPUTS.account.permissions_boundaries[PermissionSet.FULL_ACCESS]
    assert parameters["OrganizationUnitId"] == "r-1a2b"


ANOTHER_WISH: dict[str, dict[str, Any]] = {
    "another unit": {"spec": an_organizations_spec(target={"organizationUnitId": "r-1a2b"})},
    "other permissions": {"spec": an_organizations_spec(permissions="FullAccess")},
    "another object of the same name": {"owner": an_owner(uid="another-uid")},
    "another boundary": {"account": a_management_account(permissionsBoundaries={"ReadOnly": f"{BOUNDARY}-2"})},
    "roles in member accounts": {"account": a_management_account(memberTemplateUrl=MEMBERS)},
    "another role for CloudFormation": {
        "account": a_management_account(cloudFormationRoleArn=f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/another")
    },
}


@pytest.mark.parametrize("change", ANOTHER_WISH.values(), ids=ANOTHER_WISH)
def test_whatever_is_asked_of_a_stack_is_in_its_digest(change: dict[str, Any]) -> None:
    assert a_stack(**change).digest != a_stack().digest


def test_the_template_of_members_is_the_administrators() -> None:
    made = a_stack(account=a_management_account(memberTemplateUrl=MEMBERS))

    assert made.parameters["MemberTemplateUrl"] == MEMBERS


def test_a_template_is_given_only_what_it_declares_in_its_own_spelling() -> None:
    foreign = replace(OWN, parameters=dict.fromkeys(("AponoConnectorId", "OrganizationalUnitId"), True))

    assert a_stack(foreign).parameters == {"AponoConnectorId": "production", "OrganizationalUnitId": UNIT}


def test_parameters_that_are_not_ours_are_left_to_their_defaults() -> None:
    foreign = replace(OWN, parameters={**OWN.parameters, "Stage": False})

    assert a_stack(foreign).parameters == a_stack().parameters


def test_parameters_that_nobody_can_fill_in_are_named() -> None:
    refused = a_refusal(replace(OWN, parameters={**OWN.parameters, "VpcId": True, "Stage": True, "Size": False}))

    assert refused.reason is Reason.PARAMETERS_MISSING
    assert "the template of the management account asks for Stage, VpcId, which" in refused.message
    assert "It fills in: AponoConnectorId, ConnectorRoleArn, " in refused.message
    assert "Size" not in refused.message


BEYOND: dict[str, tuple[TemplateSummary, str]] = {
    "a type of resources": (
        replace(OWN, resource_types=("AWS::IAM::Role", "AWS::IAM::User")),
        "resources AWS::IAM::User",
    ),
    "a capability": (replace(OWN, capabilities=("CAPABILITY_AUTO_EXPAND",)), "the capability CAPABILITY_AUTO_EXPAND"),
    "a macro": (replace(OWN, transforms=("AWS::Include",)), "the transform AWS::Include"),
}


@pytest.mark.parametrize(("summary", "named"), BEYOND.values(), ids=BEYOND)
def test_a_template_that_wants_more_than_the_administrator_allows_is_refused(
    summary: TemplateSummary, named: str
) -> None:
    refused = a_refusal(summary)

    assert refused.reason is Reason.NOT_PERMITTED
    assert named in refused.message


def test_what_is_known_of_our_template_elsewhere_is_what_it_says() -> None:
    assert own.template()["Outputs"].keys() == {ROLE_OUTPUT, STACK_SET_OUTPUT}
    assert NAME.startswith(own.ROLE_NAME_PREFIX)
    assert a_cluster().member_role_name(an_owner()).startswith(own.MEMBER_ROLE_NAME_PREFIX)


# --- the role's ARN ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, "apono-a", f"apono-{'a' * 58}", "apono-A_1+=,.@-"])
def test_a_role_that_connectors_may_assume_is_of_use(name: str) -> None:
    assert management_role_arn_finding(INPUTS.account, f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/{name}") is None


UNUSABLE = {
    "in another account": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
    "of another name": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/organization-access",
    "of another name that only holds ours": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/my-apono-role",
    "of no name": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/apono-",
    "of too long a name": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/apono-{'a' * 59}",
    "with a path": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/teams/{NAME}",
    "with a path that begins like a name": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/apono-teams/{NAME}",
    "of another partition": f"arn:aws-cn:iam::{MANAGEMENT_ACCOUNT}:role/{NAME}",
    "that is a user": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:user/{NAME}",
    "that is a pattern": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/apono-*",
    "with a line break": f"{ARN}\n",
    "that is none": "",
}


@pytest.mark.parametrize("arn", UNUSABLE.values(), ids=UNUSABLE)
def test_a_role_that_no_connector_may_assume_is_told_with_what_it_should_be(arn: str) -> None:
    finding = management_role_arn_finding(INPUTS.account, arn)

    assert finding is not None
    assert (finding.status, finding.reason, finding.awaits) == (
        ConditionStatus.FALSE,
        Reason.MANAGEMENT_ROLE_UNUSABLE,
        Next.SOMEBODY,
    )
    assert f"the stack tells of the role {arn}" in finding.message


# --- the role ---------------------------------------------------------------------------------------------------------


def a_statement(principal: Any, conditions: Json | None = None, **changes: Any) -> Json:
    plain = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    return {**plain, **({"Condition": conditions} if conditions else {}), **changes}


def a_management_role(*statements: Json, boundary: str | None = BOUNDARY) -> IamRole:
    trust = PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})
    return a_role(arn=ARN, trust=trust, permissions=None, managed_policy_arns=None, permissions_boundary=boundary)


def judged(*statements: Json, inputs: StackInputs = INPUTS, role_id: str | None = ROLE_ID) -> Finding | None:
    return management_role_finding(inputs, ARN, a_management_role(*statements), role_id)


def filled_in(value: Any) -> Any:
    """Do what CloudFormation does with the functions in our template's trust policy."""
    if isinstance(value, list):
        return [filled_in(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return a_stack().parameters[value["Ref"]]
    if "Fn::Sub" in value:
        text, variables = value["Fn::Sub"]
        names = {"AWS::Partition": "aws", **{name: filled_in(one) for name, one in variables.items()}}
        for name, one in names.items():
            text = text.replace(f"${{{name}}}", one)
        return text
    if "Fn::Select" in value:
        index, inner = value["Fn::Select"]
        separator, text = inner["Fn::Split"]
        return filled_in(text).split(separator)[index]
    return {key: filled_in(one) for key, one in value.items()}


ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OURS = {"ArnEquals": {"aws:PrincipalArn": CONNECTOR_ROLE}, "StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}

TRUSTED: dict[str, tuple[Json, ...]] = {
    "our own template's": tuple(
        filled_in(own.template()["Resources"]["ManagementRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"])
    ),
    "the role itself": (a_statement(CONNECTOR_ROLE),),
    "the role's id, where IAM shows it": (a_statement(ROLE_ID),),
    "the role among others": (a_statement([OLD_ID, CONNECTOR_ROLE]),),
    "the role in a second statement": (
        a_statement(None, Principal={"Service": "ec2.amazonaws.com"}),
        a_statement(CONNECTOR_ROLE),
    ),
    "an account, and the role by a condition": (a_statement(ROOT, OURS),),
    "an account by its number": (a_statement(ACCOUNT, OURS),),
    "everybody, and the role by a condition": (a_statement("*", OURS),),
    "everybody in short": (a_statement(None, OURS, Principal="*"),),
    "a pattern that covers the role": (
        a_statement(ROOT, {"ArnLike": {"AWS:PrincipalARN": f"arn:aws:iam::{ACCOUNT}:role/apono-connector-*"}}),
    ),
    "the role by a condition that may be missing": (
        a_statement(ROOT, {"StringLikeIfExists": {"aws:PrincipalArn": [f"{CONNECTOR_ROLE}-2", CONNECTOR_ROLE]}}),
    ),
    "its account as a condition": (a_statement(CONNECTOR_ROLE, {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}),),
    "a condition that nobody can judge": (a_statement(CONNECTOR_ROLE, {"StringEquals": {"sts:ExternalId": "a"}}),),
    "all actions": (a_statement(CONNECTOR_ROLE, Action="sts:*"),),
}


@pytest.mark.parametrize("statements", TRUSTED.values(), ids=TRUSTED)
def test_a_trust_policy_that_names_the_connector_role_lets_it_in(statements: tuple[Json, ...]) -> None:
    assert judged(*statements) is None


BROKEN: dict[str, Json] = {
    "the id of a role that is no more": a_statement(OLD_ID),
    "another role": a_statement(f"{CONNECTOR_ROLE}-2"),
    "the account as a whole": a_statement(ROOT),
    "everybody": a_statement("*"),
    "the account, and the role as what it must not be": a_statement(
        ROOT, {"ArnNotEquals": {"aws:PrincipalArn": CONNECTOR_ROLE}}
    ),
    "the account, and another role by a condition": a_statement(
        ROOT, {"ArnEquals": {"aws:PrincipalArn": f"{CONNECTOR_ROLE}-2"}}
    ),
    "another account, and the role by a condition": a_statement("111122223333", OURS),
    "a pattern where texts are compared": a_statement(
        ROOT, {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/apono-connector-*"}}
    ),
    "the role, in another organization": a_statement(
        CONNECTOR_ROLE, {"StringEquals": {"aws:PrincipalOrgID": "o-another000"}}
    ),
    "the role, for another action": a_statement(CONNECTOR_ROLE, Action="sts:TagSession"),
    "the role, for all but some actions": {
        "Effect": "Allow",
        "Principal": {"AWS": CONNECTOR_ROLE},
        "NotAction": "sts:TagSession",
    },
    "the role, as one to be denied": a_statement(CONNECTOR_ROLE, Effect="Deny"),
    "a service": a_statement(None, Principal={"Service": "ec2.amazonaws.com"}),
    "all but the role": {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "sts:AssumeRole"},
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=BROKEN)
def test_a_trust_policy_that_does_not_name_the_connector_role_is_broken(statement: Json) -> None:
    finding = judged(statement)

    assert finding is not None
    assert (finding.status, finding.reason, finding.awaits) == (
        ConditionStatus.FALSE,
        Reason.TRUST_BROKEN,
        Next.SOMEBODY,
    )
    assert f"does not let in the connector role {CONNECTOR_ROLE} (id {ROLE_ID})" in finding.message
    assert f"aws iam update-assume-role-policy --role-name {NAME} " in finding.message


def test_a_role_that_was_made_anew_is_told_with_both_ids() -> None:
    finding = judged(a_statement([OLD_ID, "111122223333"]))

    assert finding is not None
    assert f"(id {ROLE_ID}); it names {OLD_ID}, the id of a role that is no more. Save" in finding.message


def test_without_a_known_id_no_id_is_the_connector_roles() -> None:
    finding = judged(a_statement(ROLE_ID), role_id=None)

    assert finding is not None
    assert "(id unknown)" in finding.message


def test_a_trust_policy_that_nobody_can_read_lets_nobody_in() -> None:
    unreadable = replace(a_management_role(a_statement(CONNECTOR_ROLE)), trust=PolicyDocument("", {}))

    finding = management_role_finding(INPUTS, ARN, unreadable, ROLE_ID)

    assert finding is not None
    assert finding.reason is Reason.TRUST_BROKEN


@pytest.mark.parametrize("boundary", [None, f"{BOUNDARY}-2"], ids=["none", "another"])
def test_a_management_role_has_the_boundary_of_its_permission_set(boundary: str | None) -> None:
    role = a_management_role(a_statement(CONNECTOR_ROLE), boundary=boundary)

    finding = management_role_finding(INPUTS, ARN, role, ROLE_ID)

    assert finding is not None
    assert (finding.reason, finding.awaits) == (Reason.MANAGEMENT_ROLE_UNUSABLE, Next.SOMEBODY)
    assert f"is {boundary or 'missing'} instead of {BOUNDARY}" in finding.message


def test_a_role_that_iam_does_not_show_may_still_come() -> None:
    finding = management_role_finding(INPUTS, ARN, None, ROLE_ID)

    assert finding is not None
    assert (finding.reason, finding.awaits) == (Reason.MANAGEMENT_ROLE_UNUSABLE, Next.TIME)
    assert f"IAM does not show the role {ARN}" in finding.message


def test_findings_hold_no_external_id() -> None:
    told = json.dumps([str(judged(one)) for one in BROKEN.values()])

    assert "0123456789abcdef" not in told


# --- the boundary of a refused connector's role ---------------------------------------------------------------------


def observed(**parameters: str) -> ObservedStack:
    """A stack as it was made, but for *parameters*."""
    asked = a_stack()
    return ObservedStack(
        stack_id=f"arn:aws:cloudformation:eu-west-1:{MANAGEMENT_ACCOUNT}:stack/{asked.name}/1",
        name=asked.name,
        status="CREATE_COMPLETE",
        status_reason="",
        parameters={**asked.parameters, **parameters},
        outputs={ROLE_OUTPUT: ARN},
        tags={**asked.tags, "team": "platform"},
        service_role_arn=asked.service_role_arn,
    )


@pytest.mark.parametrize(
    ("parameters", "unit"),
    [
        ({"OrganizationUnitId": "r-1a2b"}, "r-1a2b"),
        ({"OrganizationalUnitId": "r-1a2b"}, "r-1a2b"),
        ({"Permissions": "ReadOnly"}, ""),
    ],
)
def test_the_unit_of_a_stack_is_found_in_either_spelling(parameters: dict[str, str], unit: str) -> None:
    assert unit_of(parameters) == unit


def test_the_stack_set_is_the_one_that_the_stack_tells() -> None:
    with_one = replace(observed(), outputs={STACK_SET_OUTPUT: "apono-a"})

    assert (stack_set_of(with_one), stack_set_of(observed())) == ("apono-a", None)


FULL_BOUNDARY = INPUTS.account.permissions_boundaries[PermissionSet.FULL_ACCESS]


@pytest.mark.parametrize(
    ("parameters", "boundaries", "expected"),
    [
        ({}, {"ReadOnly": BOUNDARY}, None),
        ({}, {"ReadOnly": f"{BOUNDARY}-2"}, f"{BOUNDARY}-2"),
        ({"Permissions": "FullAccess"}, {"ReadOnly": BOUNDARY, "FullAccess": FULL_BOUNDARY}, FULL_BOUNDARY),
        ({"Permissions": "FullAccess", "PermissionsBoundaryArn": FULL_BOUNDARY}, {"ReadOnly": BOUNDARY}, BOUNDARY),
        ({"Permissions": "Unheard"}, {"FullAccess": FULL_BOUNDARY}, FULL_BOUNDARY),
        ({}, {}, None),
    ],
    ids=["has it", "another one", "of its set", "of what is left", "the only one", "there is none"],
)
def test_a_role_is_to_have_the_boundary_that_the_administrator_has_for_its_set(
    parameters: dict[str, str], boundaries: dict[str, str], expected: str | None
) -> None:
    account = a_management_account(permissionsBoundaries=boundaries)

    assert stricter_boundary(observed(**parameters), account) == expected


def test_a_stack_whose_template_takes_no_boundary_is_left() -> None:
    without = replace(observed(), parameters={"Permissions": "ReadOnly"})

    assert stricter_boundary(without, a_management_account()) is None


def test_a_contained_stack_is_as_it_was_but_for_the_boundary() -> None:
    seen = observed(Elsewhere="of an earlier template")

    contained = contained_stack(seen, f"{BOUNDARY}-2", INPUTS.account, URL, OWN)

    assert contained.parameters == {**a_stack().parameters, "PermissionsBoundaryArn": f"{BOUNDARY}-2"}
    assert contained.tags == seen.tags
    assert replace(contained, parameters=a_stack().parameters, tags=a_stack().tags) == a_stack()
