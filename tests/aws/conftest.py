from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.aws import FrontDoor, ManualClock
from tests.aws.identities import Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws import Account
    from sandbox.aws.organizations.organization import Organization


@pytest.fixture(scope="session")
def shared_aws() -> Iterator[FrontDoor]:
    """One front door for all tests that keep to accounts of their own."""
    with FrontDoor() as aws:
        yield aws


@pytest.fixture
def account(shared_aws: FrontDoor) -> Account:
    return shared_aws.create_account()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def aws(clock: ManualClock) -> Iterator[FrontDoor]:
    """A front door of the test's own, whose time the test drives."""
    with FrontDoor(clock) as aws:
        yield aws


@pytest.fixture
def management(aws: FrontDoor) -> Account:
    """The management account of `organization`."""
    return aws.create_account()


@pytest.fixture
def organization(aws: FrontDoor, management: Account) -> Organization:
    return aws.create_organization(management)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer("https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF")
