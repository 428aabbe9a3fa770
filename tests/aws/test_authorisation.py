"""Calls at the front door: what they ask for, and what becomes of those that are not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import FrontDoor
from sandbox.aws.authorisation import PERMISSIONS
from sandbox.aws.pipeline import SERVICES
from sandbox.aws.policy.statements import Request
from tests.aws.cloudformation.templates import template
from tests.aws.identities import allowing, create_role, document, trusting
from tests.aws.sessions import assume, client_for, session_key

if TYPE_CHECKING:
    from sandbox.aws import Account

URL = "https://templates.s3.amazonaws.com/a/template.yaml"
TAGGED = {"apono.io/cluster": "a", "team": "b"}


@pytest.fixture
def acting(shared_aws: FrontDoor, account: Account) -> Iterator[Any]:
    """Give a client of a service, as a session of a role that may do what a policy says."""
    made: list[Any] = []

    def act(service: str, may: str | None, **role: Any) -> Any:
        arn = create_role(account.client("iam"), "acting", trusting({"AWS": account.account_id}), may=may, **role)
        made.append(client_for(shared_aws, session_key(assume(shared_aws, account.credentials, arn)), service))
        return made[-1]

    yield act
    for client in made:
        client.close()


def refusal(call: Any) -> tuple[str, int, str]:
    """Code, status and message of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def last_asked(aws: FrontDoor, account: Account) -> list[Request]:
    return list(aws.calls.of(account=account)[-1].asked)


# --- what is told ---------------------------------------------------------------------------------------------------


def test_a_denial_is_told_as_iam_tells_it(account: Account, acting: Any) -> None:
    iam = acting("iam", None)
    caller = f"arn:aws:sts::{account.account_id}:assumed-role/acting/session"
    told = f"User: {caller} is not authorized to perform: iam:GetRole on resource: role some"
    expected = f"{told} because no identity-based policy allows the iam:GetRole action"
    assert refusal(lambda: iam.get_role(RoleName="some")) == ("AccessDenied", 403, expected)


def test_a_denial_is_told_as_cloudformation_tells_it(account: Account, acting: Any) -> None:
    cfn = acting("cloudformation", None)
    code, status, message = refusal(lambda: cfn.describe_stacks(StackName="some"))
    where = f"arn:aws:cloudformation:us-east-1:{account.account_id}:stack/some/*"
    assert (code, status) == ("AccessDenied", 403)
    assert f"cloudformation:DescribeStacks on resource: {where} because no identity-based policy allows" in message


def test_a_denial_is_told_as_organizations_tells_it(acting: Any) -> None:
    code, status, message = refusal(lambda: acting("organizations", None).list_roots())
    assert (code, status) == ("AccessDeniedException", 400)
    assert "organizations:ListRoots on resource: * because no identity-based policy allows" in message


def test_what_is_denied_has_no_effect(account: Account, acting: Any) -> None:
    iam = acting("iam", allowing("iam:CreateRole"))
    tags = [{"Key": "team", "Value": "a"}]
    made = {"RoleName": "made", "AssumeRolePolicyDocument": trusting({"AWS": account.account_id})}
    assert "iam:TagRole" in refusal(lambda: iam.create_role(**made, Tags=tags))[2]
    assert [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]] == ["acting"]


def test_input_is_held_against_the_model_before_anybody_is_asked_for_rights(acting: Any) -> None:
    assert refusal(lambda: acting("iam", None).get_role(RoleName="x" * 65))[0] == "ValidationError"


def test_nobody_tells_whether_something_exists_that_may_not_be_looked_at(account: Account, acting: Any) -> None:
    create_role(account.client("iam"), "there", trusting({"AWS": account.account_id}))
    iam = acting("iam", None)
    missing, there = (refusal(lambda name=name: iam.get_role(RoleName=name)) for name in ("missing", "there"))
    assert missing[2].replace("missing", "there") == there[2]


def test_the_administrator_may_do_everything(account: Account) -> None:
    iam = account.client("iam")
    create_role(iam, "made", trusting({"AWS": account.account_id}), may=allowing())
    iam.delete_role_policy(RoleName="made", PolicyName="may")
    iam.delete_role(RoleName="made")


def test_a_right_that_is_taken_away_is_gone_with_the_next_call(account: Account, acting: Any) -> None:
    iam = acting("iam", allowing("iam:GetRole"))
    assert iam.get_role(RoleName="acting")
    account.client("iam").delete_role_policy(RoleName="acting", PolicyName="may")
    assert refusal(lambda: iam.get_role(RoleName="acting"))[0] == "AccessDenied"


# --- what is asked for ----------------------------------------------------------------------------------------------


def test_each_operation_that_is_modelled_says_what_it_needs_permission_for() -> None:
    known = {service: set(rows) for service, rows in PERMISSIONS.items()}
    lacking = {service: set(operations) - known[service] for service, operations in SERVICES.items()}
    assert {service: names for service, names in lacking.items() if names} == {}


def test_a_call_is_recorded_with_all_that_it_asks_for(shared_aws: FrontDoor, account: Account) -> None:
    tags = [{"Key": key, "Value": value} for key, value in TAGGED.items()]
    create_role(account.client("iam"), "made", trusting({"AWS": account.account_id}), Path="/a/", Tags=tags)
    making, tagging = last_asked(shared_aws, account)
    assert (making.action, tagging.action) == ("iam:CreateRole", "iam:TagRole")
    assert making.resource == tagging.resource == f"{account.arn_prefix}role/a/made"
    assert making.context["aws:requesttag/team"] == ("b",)
    assert making.context["aws:tagkeys"] == ("apono.io/cluster", "team")
    assert making.context["aws:principalarn"] == (f"{account.arn_prefix}user/administrator",)


def test_a_role_that_is_there_is_asked_for_with_its_path_its_tags_and_its_boundary(
    shared_aws: FrontDoor, account: Account
) -> None:
    iam = account.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=allowing())["Policy"]["Arn"]
    more: dict[str, Any] = {"Tags": [{"Key": "team", "Value": "b"}], "PermissionsBoundary": boundary, "Path": "/a/"}
    create_role(iam, "made", trusting({"AWS": account.account_id}), **more)
    iam.attach_role_policy(RoleName="made", PolicyArn=boundary)
    (asked,) = last_asked(shared_aws, account)
    assert asked.resource == f"{account.arn_prefix}role/a/made"
    assert asked.context["aws:resourcetag/team"] == asked.context["iam:resourcetag/team"] == ("b",)
    assert asked.context["iam:permissionsboundary"] == asked.context["iam:policyarn"] == (boundary,)


def test_entering_an_account_of_the_organization_names_it(shared_aws: FrontDoor, account: Account) -> None:
    organization = shared_aws.create_organization(account)
    role = create_role(account.client("iam"), "made", trusting({"AWS": account.account_id}))
    assume(shared_aws, account.credentials, role, "me", ExternalId="agreed")
    (asked,) = last_asked(shared_aws, account)
    assert asked.context["aws:principalorgid"] == (organization.id,)
    assert asked.context["sts:externalid"] == ("agreed",)
    assert asked.context["sts:rolesessionname"] == ("me",)


def test_a_template_is_read_with_the_rights_of_whoever_names_it(
    shared_aws: FrontDoor, account: Account, acting: Any
) -> None:
    shared_aws.templates[URL] = template()
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::templates/a/template.yaml"}
    validating = {"Effect": "Allow", "Action": "cloudformation:ValidateTemplate", "Resource": "*"}
    cfn = acting("cloudformation", document(validating))
    code, _, message = refusal(lambda: cfn.validate_template(TemplateURL=URL))
    assert code == "ValidationError"
    assert message.startswith("S3 error: Access Denied For more information check")
    account.client("iam").put_role_policy(
        RoleName="acting", PolicyName="may", PolicyDocument=document(validating, reading)
    )
    assert cfn.validate_template(TemplateURL=URL)


@pytest.mark.parametrize(
    ("url", "action", "resource"),
    [
        (URL, "s3:GetObject", "arn:aws:s3:::templates/a/template.yaml"),
        (f"{URL}?versionId=3", "s3:GetObjectVersion", "arn:aws:s3:::templates/a/template.yaml"),
        ("https://b.s3.eu-west-1.amazonaws.com/t", "s3:GetObject", "arn:aws:s3:::b/t"),
        ("https://s3.eu-west-1.amazonaws.com/b/t", "s3:GetObject", "arn:aws:s3:::b/t"),
    ],
)
def test_a_templates_url_is_asked_for_as_an_object(
    shared_aws: FrontDoor, account: Account, url: str, action: str, resource: str
) -> None:
    shared_aws.templates[url] = template()
    account.client("cloudformation").get_template_summary(TemplateURL=url)
    naming, reading = last_asked(shared_aws, account)
    assert naming.context["cloudformation:templateurl"] == (url,)
    assert (reading.action, reading.resource) == (action, resource)
