from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.identities import create_role, document, trusting
from tests.aws.sessions import client_for
from tests.aws.signed_requests import form, send, signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws import Account, FrontDoor

UNKNOWN: list[tuple[str, Callable[[Any], Any], str]] = [
    ("iam", lambda iam: iam.list_users(), "iam:ListUsers"),
    ("sts", lambda sts: sts.get_session_token(), "sts:GetSessionToken"),
    ("sqs", lambda sqs: sqs.list_queues(), "sqs:ListQueues"),
    ("eks", lambda eks: eks.describe_cluster(name="a"), "eks:DescribeCluster"),
    ("eks", lambda eks: eks.delete_addon(clusterName="a", addonName="b"), "eks:DeleteAddon"),
    ("ecs", lambda ecs: ecs.list_clusters(), "ecs:ListClusters"),
    ("ec2", lambda ec2: ec2.describe_vpcs(), "ec2:DescribeVpcs"),
    ("secretsmanager", lambda sm: sm.list_secrets(), "secretsmanager:ListSecrets"),
]


@pytest.mark.parametrize(("service", "call", "named"), UNKNOWN, ids=[row[2] for row in UNKNOWN])
def test_an_operation_that_is_not_modelled_is_refused_by_name_in_its_own_protocol(
    shared_aws: FrontDoor, account: Account, service: str, call: Callable[[Any], Any], named: str
) -> None:
    client = client_for(shared_aws, account.credentials, service)
    with pytest.raises(ClientError) as caught:
        call(client)
    client.close()
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == ("NotModelled", 501)
    assert error["Message"] == f"{named} is not modelled by this sandbox"


def test_a_parameter_that_is_not_modelled_is_refused_by_name(account: Account) -> None:
    arn = create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    with pytest.raises(ClientError, match="parameter SourceIdentity of sts:AssumeRole is not modelled"):
        account.client("sts").assume_role(RoleArn=arn, RoleSessionName="name", SourceIdentity="me")


def test_a_parameter_that_aws_does_not_have_is_refused_by_name(shared_aws: FrontDoor, account: Account) -> None:
    body = form("iam", "GetRole", RoleName="a", RolName="b")
    answer = send(shared_aws, body, signed_headers(shared_aws.endpoint_url, account.credentials, body))
    assert answer.status == 501
    assert "parameter RolName of GetRole" in answer.body


def test_a_service_that_nobody_knows_is_refused_by_name(shared_aws: FrontDoor, account: Account) -> None:
    body = form("nonesuch", "DoIt")
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, body, "nonesuch")
    answer = send(shared_aws, body, headers)
    assert (answer.status, answer.code) == (501, "NotModelled")
    assert "nonesuch:DoIt" in answer.body


def test_a_json_service_that_nobody_knows_is_refused_in_json(shared_aws: FrontDoor, account: Account) -> None:
    kind = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Nonesuch_2020.DoIt"}
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, "{}", "nonesuch", headers=kind)
    answer = send(shared_aws, "{}", headers)
    assert answer.headers["x-amzn-errortype"] == "NotModelled"
    assert json.loads(answer.body)["message"] == "nonesuch:DoIt is not modelled by this sandbox"


def test_a_query_in_the_address_is_refused(shared_aws: FrontDoor) -> None:
    answer = send(shared_aws, "", {}, "GET", "/?Action=GetCallerIdentity")
    assert (answer.status, answer.code) == (501, "NotModelled")


@pytest.mark.parametrize(("element", "value"), [("NotPrincipal", {"AWS": "*"}), ("NotAction", "sts:AssumeRole")])
def test_an_element_of_a_trust_policy_that_is_not_modelled_is_refused_by_name(
    account: Account, element: str, value: Any
) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    del statement[element.removeprefix("Not")]
    with pytest.raises(ClientError, match=f"{element} in a trust policy is not modelled"):
        create_role(account.client("iam"), "role", document(statement | {element: value}))


def test_a_canonical_user_is_refused_by_name(account: Account) -> None:
    with pytest.raises(ClientError, match="a CanonicalUser principal is not modelled"):
        create_role(account.client("iam"), "role", trusting({"CanonicalUser": "0" * 64}))


def test_a_provider_with_a_port_is_refused_by_name(account: Account) -> None:
    with pytest.raises(ClientError, match="a port in a provider's URL"):
        account.client("iam").create_open_id_connect_provider(Url="https://example.com:6443")


def test_policies_of_all_accounts_cannot_be_listed(account: Account) -> None:
    with pytest.raises(ClientError, match="NotModelled"):
        account.client("iam").list_policies()
