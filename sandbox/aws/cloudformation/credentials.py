"""In whose name a stack makes its resources.

Source: "CloudFormation service role" in the CloudFormation user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

from sandbox.aws.account import HOME_REGIONS, Partition
from sandbox.aws.cloudformation.resources.handler import ServiceCall
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.errors import AwsError, ConnectionDroppedError, validation_error
from sandbox.aws.identity.callers import AccessKey, Caller, RoleSession
from sandbox.aws.state import State
from sandbox.aws.store.backend import Role
from sandbox.aws.sts.trust import is_trusted, names_service

_ROLE_ARN: Final = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/\S+")
_SERVICE: Final = "cloudformation.amazonaws.com"
_SESSION_NAME: Final = "AWSCloudFormation"
_SESSION_LENGTH: Final = timedelta(hours=1)
_ATTEMPTS: Final = 3


def check_service_role(state: State, caller: Caller, arn: str) -> None:
    """Hold a service role against what can be told without evaluating the caller's permissions.

    Raises:
        AwsError: `ValidationError` unless the role exists, in the caller's account, and trusts CloudFormation.
    """
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise validation_error(f"{arn} is not a valid RoleARN")
    if match["account"] != caller.account_id:
        raise validation_error("Cross-account pass role is not allowed.")
    role = state.role_of_arn(arn)
    if role is None or not state.is_known_as_principal(role) or not _trusts_service(role):
        raise validation_error(f"Role {arn} is invalid or cannot be assumed")


class Credentials:
    """The key that a stack's calls are signed with.

    Args:
        state: The front door's.
        stack: Whose service role is used, if it has one.
        key: The caller's own, used otherwise for as long as it is valid.
        heeds_role: Whether the service role is used at all.
    """

    def __init__(self, state: State, stack: Stack, key: AccessKey, *, heeds_role: bool = True) -> None:
        self._state, self._stack, self._key = state, stack, key
        self._heeds_role = heeds_role
        self._session: AccessKey | None = None

    def call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call a service; throttling, server errors and lost connections are tried again twice.

        Raises:
            AwsError: What the service answers.
        """
        return persistently(lambda: self._call_once(service, operation, parameters))

    @property
    def service_call(self) -> ServiceCall:
        """What handlers of resources are given."""
        return self.call

    def _call_once(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        own = service == "cloudformation"
        region = self._stack.region if own else HOME_REGIONS[cast("Partition", self._stack.partition)]
        return self._state.perform(self._usable_key(), service, region, operation, parameters)

    def _usable_key(self) -> AccessKey:
        if self._stack.role_arn is None or not self._heeds_role:
            return self._key
        now = self._state.clock()
        if self._session is None or self._session.expiration is None or self._session.expiration <= now:
            self._session = self._assumed(self._stack.role_arn)
        return self._session

    def _assumed(self, arn: str) -> AccessKey:
        role = self._state.role_of_arn(arn)
        if role is None or not _trusts_service(role):
            raise AwsError("AccessDenied", f"Role {arn} is invalid or cannot be assumed")
        session = RoleSession(role.id, role.arn, _SESSION_NAME)
        name = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{_SESSION_NAME}"
        caller = Caller(role.account_id, role.partition, name, f"{role.id}:{_SESSION_NAME}", session)
        return self._state.keys.issue(caller, expiration=self._state.clock() + _SESSION_LENGTH)


def persistently(call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Make a call to a service; throttling, server errors and lost connections are tried again twice.

    Raises:
        AwsError: What the service answers.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return call()
        except AwsError as error:
            if not _is_passing(error):
                raise
        except ConnectionDroppedError:
            continue
    try:
        return call()
    except ConnectionDroppedError:
        raise AwsError("ServiceFailure", "Unable to execute HTTP request: Connection reset", 500) from None


def _trusts_service(role: Role) -> bool:
    context = {"aws:SourceAccount": role.account_id}
    return is_trusted(role.assume_role_policy_document, "sts:AssumeRole", names_service(_SERVICE), context)


def _is_passing(error: AwsError) -> bool:
    return error.code == "Throttling" or (error.status >= 500 and error.code != "NotModelled")  # noqa: PLR2004 -- HTTP
