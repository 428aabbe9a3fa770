"""Every type that is modelled, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from sandbox.aws.cloudformation.resources.handler import ResourceHandler
from sandbox.aws.cloudformation.resources.iam_managed_policy import IamManagedPolicy
from sandbox.aws.cloudformation.resources.iam_policy import IamPolicy
from sandbox.aws.cloudformation.resources.iam_role import IamRole
from sandbox.aws.cloudformation.resources.stack_set import StackSetResource
from sandbox.aws.cloudformation.resources.wait_condition import WaitCondition, WaitConditionHandle
from sandbox.aws.wire.models import LOADER

HANDLERS: Final[Mapping[str, ResourceHandler]] = {
    handler.type: handler
    for handler in (
        IamRole(),
        IamPolicy(),
        IamManagedPolicy(),
        StackSetResource(),
        WaitConditionHandle(),
        WaitCondition(),
    )
}


def is_of_aws(type_name: str) -> bool:
    """Whether AWS may well have a type that is not modelled: one of a service that exists, or a custom one."""
    provider, _, rest = type_name.partition("::")
    return provider == "Custom" or (provider == "AWS" and rest.partition("::")[0].lower() in _services())


@lru_cache(maxsize=1)
def _services() -> frozenset[str]:
    return frozenset(LOADER.list_available_services("service-2"))
