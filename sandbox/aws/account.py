"""An account, as a test holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from sandbox.aws.clients import Clients
from sandbox.aws.identity.callers import AccessKey

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient

Partition = Literal["aws", "aws-us-gov", "aws-cn"]

HOME_REGIONS: Final[dict[Partition, str]] = {
    "aws": "us-east-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-cn": "cn-north-1",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its administrator.

    Attributes:
        account_id: Twelve digits.
        partition: `aws`, `aws-us-gov` or `aws-cn`.
        credentials: The administrator's key, which does not expire.
    """

    account_id: str
    partition: Partition
    credentials: AccessKey
    _clients: Clients = field(repr=False)

    @property
    def region(self) -> str:
        """The partition's home region."""
        return HOME_REGIONS[self.partition]

    @property
    def arn_prefix(self) -> str:
        """How the ARNs of this account's IAM begin: `arn:<partition>:iam::<account id>:`."""
        return f"arn:{self.partition}:iam::{self.account_id}:"

    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    @overload
    def client(self, service: str) -> Any: ...
    def client(self, service: str) -> Any:
        """A client with the administrator's key, which does not retry; the same one for the same service."""
        return self._clients.client(service, self.region, self.credentials)
