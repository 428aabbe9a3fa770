"""The operator's own token in foreign hands: what AWS itself denies, whatever program holds it.

So has it whoever may create pods in the operator's namespace, or tokens of its ServiceAccount. What the token opens in
the cluster is in `test_escapes`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from apono_operator.state.resources import Cluster as AwsCluster
from apono_operator.state.resources import Owner
from sandbox.installation import AUDIENCE, RELEASE
from tests.scenarios.scenario import NAME, Scenario

ADMINISTRATION = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYBODY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
)
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@dataclass(frozen=True)
class Thief:
    """Somebody with the token, and the names of what is there to be had."""

    session: boto3.Session
    endpoint: str
    names: Mapping[str, str]

    def tries(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Call AWS; names in braces stand for what is there."""
        client: Any = self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]
        try:
            getattr(client, operation)(**{key: self._named(value) for key, value in parameters.items()})
        finally:
            client.close()

    def _named(self, value: Any) -> Any:
        if isinstance(value, list):
            return [{key: self._named(one) for key, one in tag.items()} for tag in value]
        return self.names.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def thief(shared_scenario: Scenario) -> Thief:
    installation, account = shared_scenario.installation, shared_scenario.account
    namespace, iam = installation.namespace, account.client("iam")
    own = str(shared_scenario.apply_ready("of-a-thief")["status"]["connectorRoleArn"])
    elsewhere = AwsCluster("oidc.eks.eu-west-1.amazonaws.com/id/ANOTHER", account.account_id, "aws")
    other = elsewhere.role_name(Owner("team-a", NAME, "a-uid"))
    trust = {"Effect": "Allow", "Principal": {"AWS": account.account_id}, "Action": "sts:AssumeRole"}
    usual = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    for name, tags in ((other, elsewhere.ownership_tags(Owner("team-a", NAME, "a-uid"))), ("administrator", {})):
        listed: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=usual, Tags=listed)
    operator = f"arn:aws:iam::{account.account_id}:role/connector-operator-{namespace}"
    token = installation.control_plane.service_account_token(namespace, RELEASE, AUDIENCE)
    taken = account.client("sts").assume_role_with_web_identity(
        RoleArn=operator, RoleSessionName="thief", WebIdentityToken=token
    )["Credentials"]
    session = boto3.Session(
        taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=account.region
    )
    return Thief(
        session,
        installation.aws.endpoint_url,
        {
            "{own}": own.rpartition("/")[2],
            "{own ARN}": own,
            "{other cluster's}": other,
            "{operator's}": operator.rpartition("/")[2],
            "{administrator ARN}": f"arn:aws:iam::{account.account_id}:role/administrator",
            "{boundary}": installation.boundaries["ReadOnly"],
            "{cluster}": shared_scenario.issuer,
        },
    )


NEW = {"RoleName": "apono-connector-thief", "AssumeRolePolicyDocument": EVERYBODY}
HERE = [{"Key": "apono.io/cluster", "Value": "{cluster}"}]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        pytest.param("iam", *row[1:], id=row[0])
        for row in (
            ("to make a role without a boundary", "create_role", {**NEW, "Tags": HERE}),
            (
                "to make one with another boundary",
                "create_role",
                {**NEW, "Tags": HERE, "PermissionsBoundary": ADMINISTRATION},
            ),
            (
                "to make one outside of the prefix",
                "create_role",
                {**NEW, "RoleName": "thief", "Tags": HERE, "PermissionsBoundary": "{boundary}"},
            ),
            (
                "to make one of another cluster",
                "create_role",
                {
                    **NEW,
                    "Tags": [{"Key": "apono.io/cluster", "Value": "another"}],
                    "PermissionsBoundary": "{boundary}",
                },
            ),
            ("to take a boundary off", "delete_role_permissions_boundary", {"RoleName": "{own}"}),
            (
                "to set another boundary",
                "put_role_permissions_boundary",
                {"RoleName": "{own}", "PermissionsBoundary": ADMINISTRATION},
            ),
            ("to attach administration", "attach_role_policy", {"RoleName": "{own}", "PolicyArn": ADMINISTRATION}),
            (
                "to widen the operator's own role",
                "put_role_policy",
                {"RoleName": "{operator's}", "PolicyName": "more", "PolicyDocument": EVERYTHING},
            ),
            (
                "to open the operator's own role",
                "update_assume_role_policy",
                {"RoleName": "{operator's}", "PolicyDocument": EVERYBODY},
            ),
            (
                "to widen another cluster's role",
                "put_role_policy",
                {"RoleName": "{other cluster's}", "PolicyName": "more", "PolicyDocument": EVERYTHING},
            ),
            (
                "to open another cluster's role",
                "update_assume_role_policy",
                {"RoleName": "{other cluster's}", "PolicyDocument": EVERYBODY},
            ),
            ("to delete another cluster's role", "delete_role", {"RoleName": "{other cluster's}"}),
            (
                "to make another cluster's role its own by a tag",
                "tag_role",
                {"RoleName": "{other cluster's}", "Tags": HERE},
            ),
            ("to delete a role of somebody's", "delete_role", {"RoleName": "administrator"}),
            (
                "to open a role of somebody's",
                "update_assume_role_policy",
                {"RoleName": "administrator", "PolicyDocument": EVERYBODY},
            ),
        )
    ]
    + [
        pytest.param(
            "sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "thief"}, id=f"to become {arn.strip('{}')}"
        )
        for arn in ("{administrator ARN}", "{own ARN}")
    ]
    + [
        pytest.param(
            "cloudformation",
            "create_stack",
            {"StackName": "thief", "TemplateBody": "{}", "RoleARN": "{administrator ARN}"},
            id="to pass another role to CloudFormation",
        ),
    ],
)
def test_the_operators_token_is_denied_by_aws(
    thief: Thief, service: str, operation: str, parameters: Mapping[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        thief.tries(service, operation, parameters)

    assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_it_opens_what_the_boundaries_allow_and_so_each_is_worth_what_it_denies(
    thief: Thief, shared_scenario: Scenario
) -> None:
    thief.tries("iam", "create_role", {**NEW, "Tags": HERE, "PermissionsBoundary": "{boundary}"})
    thief.tries(
        "iam",
        "put_role_policy",
        {"RoleName": NEW["RoleName"], "PolicyName": "apono-connector", "PolicyDocument": EVERYTHING},
    )

    role = shared_scenario.role_named(NEW["RoleName"])
    assert role is not None
    assert role.boundary == shared_scenario.installation.boundaries["ReadOnly"]
