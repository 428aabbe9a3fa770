from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.aws.cloudformation.driving import Driven

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor, ManualClock


@pytest.fixture
def account(aws: FrontDoor) -> Account:
    return aws.create_account()


@pytest.fixture
def driven(aws: FrontDoor, account: Account, clock: ManualClock) -> Driven:
    """CloudFormation in an account, each of whose steps takes ten seconds."""
    aws.stack_step_seconds = 10
    return Driven(account.client("cloudformation"), clock)
