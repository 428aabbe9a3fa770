from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.aws import OrganizationBuilder
from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.stack_sets.deployed import Deployed

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor, ManualClock


@pytest.fixture
def company(aws: FrontDoor) -> OrganizationBuilder:
    """An organization that StackSets may act in."""
    return OrganizationBuilder(aws)


@pytest.fixture
def sets(aws: FrontDoor, company: OrganizationBuilder, clock: ManualClock) -> Deployed:
    """StackSets in the management account, each of whose steps takes ten seconds."""
    aws.stack_step_seconds = 10
    return Deployed(company, clock)


@pytest.fixture
def driven(sets: Deployed) -> Driven:
    """Stacks in the management account."""
    return Driven(sets.cfn, sets.clock)
