"""The AWS managed policies, parsed once a process and made for an account when first asked for.

moto makes all 1,582 of them for every account and partition (31 MiB and 0.65 s each); here an account holds
only those it uses, because the number of their attachments is the account's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """One policy as AWS publishes it; the document is compact JSON, with ARNs of partition `aws`."""

    name: str
    path: str
    version_id: str
    document: str
    created: datetime
    updated: datetime

    def for_account(self, account_id: str, region: str, partition: str) -> AWSManagedPolicy:
        """Moto's model of it, with the partition's ARNs."""
        return AWSManagedPolicy(
            self.name,
            account_id=account_id,
            region=region,
            default_version_id=self.version_id,
            path=self.path,
            document=self.document.replace('"arn:aws:', f'"arn:{partition}:'),
            create_date=self.created,
            update_date=self.updated,
        )


@lru_cache(maxsize=1)
def published_policies() -> Mapping[str, PublishedPolicy]:
    """All of them, by the end of their ARN (`SecurityAudit`, `job-function/ViewOnlyAccess`)."""
    policies = (_published(name, data) for name, data in json.loads(aws_managed_policies_data).items())
    return {f"{policy.path}{policy.name}".removeprefix("/"): policy for policy in policies}


def _published(name: str, data: Mapping[str, object]) -> PublishedPolicy:
    return PublishedPolicy(
        name=name,
        path=str(data["Path"]),
        version_id=str(data["DefaultVersionId"]),
        document=json.dumps(data["Document"], separators=(",", ":")),
        created=datetime.fromisoformat(str(data["CreateDate"])),
        updated=datetime.fromisoformat(str(data["UpdateDate"])),
    )
