from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.aws.conformance import Row, Subject
from tests.aws.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws import FrontDoor


@pytest.fixture(scope="session")
def sdk() -> Any:
    return boto3.Session()


@pytest.fixture
def subject(shared_aws: FrontDoor, sdk: Any) -> Iterator[Subject]:
    account = shared_aws.create_account()
    settings: dict[str, Any] = {
        "region_name": account.region,
        "endpoint_url": shared_aws.endpoint_url,
        "aws_access_key_id": account.credentials.access_key_id,
        "aws_secret_access_key": account.credentials.secret_access_key,
        "config": Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    }
    clients: list[Any] = []

    def client(service: str, **more: str) -> Any:
        clients.append(sdk.client(service, **settings | more))
        return clients[-1]

    yield Subject(
        client("iam"),
        client("sts"),
        account.account_id,
        account.partition,
        "apono-conformance-",
        client=client,
    )
    for made in clients:
        made.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_the_sandbox_does_as_aws(subject: Subject, row: Row) -> None:
    assert row.disagreement(subject) is None


def test_every_row_says_something_else() -> None:
    sentences = [row.sentence for row in ROWS]
    assert len(set(sentences)) == len(sentences)
