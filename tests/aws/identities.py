"""Trust policies and web identities, as tests need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_iam import IAMClient

    from sandbox.aws import Account, FrontDoor

SUBJECT = "system:serviceaccount:apono:connector"
AUDIENCE = "sts.amazonaws.com"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal: Any, condition: dict[str, Any] | None = None, action: str = "sts:AssumeRole") -> str:
    """A trust policy of one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return document(statement | ({"Condition": condition} if condition else {}))


def allowing(action: str = "s3:GetObject", resource: str = "*") -> str:
    """A permission policy of one statement."""
    return document({"Effect": "Allow", "Action": action, "Resource": resource})


def create_role(iam: IAMClient, name: str, trust: str, *, may: str | None = None, **more: Any) -> str:
    """Make a role that may do what a permission policy says, by default nothing; returns its ARN."""
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
    if may is not None:
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=may)
    return arn


class Issuer:
    """An OpenID Connect issuer with keys of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fetches = 0
        self._keys = {"first": rsa.generate_private_key(65537, 2048)}

    @property
    def host_and_path(self) -> str:
        return self.url.removeprefix("https://")

    def jwks(self) -> dict[str, Any]:
        self.fetches += 1
        return {"keys": [_public(name, key) for name, key in self._keys.items()]}

    def rotate(self) -> None:
        """Replace the keys by a new one."""
        self._keys = {f"key-{id(self._keys)}": rsa.generate_private_key(65537, 2048)}

    def token(self, now: datetime, *, without: str = "", **claims: Any) -> str:
        """A token signed by the newest key, an hour long; claims given replace the usual ones."""
        name, key = list(self._keys.items())[-1]
        usual = {
            "iss": self.url,
            "sub": SUBJECT,
            "aud": [AUDIENCE],
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + 3600,
        }
        usual.pop(without, None)
        return jwt.encode({**usual, **claims}, key, algorithm="RS256", headers={"kid": name})

    def trust(self, account: Account, operator: Literal["StringEquals", "StringLike"] = "StringEquals") -> str:
        """The trust policy for this issuer's usual subject and audience."""
        return trusting(
            {"Federated": f"{account.arn_prefix}oidc-provider/{self.host_and_path}"},
            {operator: {f"{self.host_and_path}:sub": SUBJECT, f"{self.host_and_path}:aud": AUDIENCE}},
            "sts:AssumeRoleWithWebIdentity",
        )

    def introduce(self, aws: FrontDoor, account: Account) -> None:
        """Make the issuer reachable, and known to an account."""
        aws.trust_issuer(self.url, self.jwks)
        account.client("iam").create_open_id_connect_provider(Url=self.url, ClientIDList=[AUDIENCE])


def _public(name: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig", "alg": "RS256"}
