"""Role sessions, as tests open and use them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sandbox.aws.identity.callers import AccessKey, Caller

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor


@lru_cache
def _sdk() -> boto3.Session:
    return boto3.Session()


def assume(aws: FrontDoor, key: AccessKey, role: str, name: str = "session", **more: Any) -> Any:
    """Assume a role with some key; returns the whole answer."""
    client = client_for(aws, key, "sts")
    try:
        return client.assume_role(RoleArn=role, RoleSessionName=name, **more)
    finally:
        client.close()


def session_key(answer: Any) -> AccessKey:
    """The key that an answer of STS hands out."""
    credentials, user = answer["Credentials"], answer["AssumedRoleUser"]
    _, partition, _, _, account_id, _ = user["Arn"].split(":", 5)
    return AccessKey(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        Caller(account_id, partition, user["Arn"], user["AssumedRoleId"]),
        credentials["SessionToken"],
        credentials["Expiration"],
    )


def client_for(aws: FrontDoor, key: AccessKey, service: str) -> Any:
    """A client that signs with a key; to be closed."""
    make: Any = _sdk().client
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
        config=Config(retries={"total_max_attempts": 1}),
    )
