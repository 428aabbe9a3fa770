"""What a type of resource does when a stack makes, changes, reads or deletes one."""

from __future__ import annotations

import secrets
import string
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NoReturn

from sandbox.aws.cloudformation.resources.schema import Properties, Schema
from sandbox.aws.errors import AwsError

_SUFFIX: Final = string.ascii_uppercase + string.digits
_HANDLER_CODES: Final = {
    "AccessDenied": "AccessDenied",
    "EntityAlreadyExists": "AlreadyExists",
    "ExpiredToken": "InvalidCredentials",
    "InvalidClientTokenId": "InvalidCredentials",
    "LimitExceeded": "ServiceLimitExceeded",
    "LimitExceededException": "ServiceLimitExceeded",
    "NameAlreadyExistsException": "AlreadyExists",
    "NoSuchEntity": "NotFound",
    "NotModelled": "InternalFailure",
    "ServiceFailure": "ServiceInternalError",
    "StackSetNotFoundException": "NotFound",
    "Throttling": "Throttling",
}
ServiceCall = Callable[..., Mapping[str, Any]]
"""Calls a service with the stack's credentials: `call("iam", "GetRole", RoleName="x")`."""


class ResourceFailure(Exception):  # noqa: N818 -- a failure of a resource in a stack, not of the sandbox
    """A resource could not be made, changed, read or deleted.

    Args:
        reason: As the event's `ResourceStatusReason` says it.
        physical_id: Set when a resource has been made nonetheless, and has to be removed.
    """

    def __init__(self, reason: str, physical_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.physical_id = physical_id


@dataclass(frozen=True, slots=True)
class Made:
    """A physical resource.

    Attributes:
        physical_id: What it is known by, and what `Ref` gives unless the handler says otherwise.
        attributes: What `Fn::GetAtt` gives.
    """

    physical_id: str
    attributes: Mapping[str, str]


Making = Generator[Made, None, Made]
"""A resource being made or changed: yields what there is of it so far whenever it has to wait; gives the whole."""

Removing = Generator[None, None, None]
"""A resource being deleted: yields whenever it has to wait."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which stack a resource is.

    Attributes:
        stack_id: The stack's ARN.
        stack_name: Its name.
        logical_id: The resource's name in the template.
        region: The stack's region.
    """

    stack_id: str
    stack_name: str
    logical_id: str
    region: str

    def generated_name(self, longest: int = 64) -> str:
        """A name for a resource that the template does not name: stack, resource and random letters."""
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(12))
        room = longest - len(suffix) - 2
        logical = self.logical_id[: max(room // 2, room - len(self.stack_name))]
        return f"{self.stack_name[: room - len(logical)]}-{logical}-{suffix}"


class ResourceHandler(ABC):
    """One type of resource. All its methods call services with the stack's credentials.

    They raise `ResourceFailure`; an `AwsError` that a call raises becomes one, see `fail`.
    """

    type: ClassVar[str]
    schema: ClassVar[Schema]
    supports_updates: ClassVar[bool] = True

    @abstractmethod
    def creating(self, call: ServiceCall, properties: Properties, place: Place) -> Making:
        """Make one, however long it takes."""

    @abstractmethod
    def updating(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Making:
        """Change one in place, from the first properties to the second, however long it takes."""

    @abstractmethod
    def deleting(self, call: ServiceCall, physical_id: str, properties: Properties) -> Removing:
        """Delete one, however long it takes; one that is gone already is no failure."""

    def read(self, call: ServiceCall, physical_id: str, properties: Properties) -> Properties | None:
        """What one really is like, as far as *properties* say; None when it is gone.

        Types that do not override this do not support drift detection.
        """
        del call, physical_id
        return properties

    def exists(self, call: ServiceCall, properties: Properties) -> bool:
        """Whether something of the name that the properties give is there already."""
        del call, properties
        return False

    def stabilization_seconds(self, properties: Properties) -> float:
        """How long one takes from being made to being complete, beyond the usual."""
        del properties
        return 0.0

    def check_stable(self, properties: Properties) -> None:
        """Fail if one, after that time, has not become complete."""
        del properties

    @property
    def detects_drift(self) -> bool:
        """Whether drift of this type can be detected."""
        return type(self).read is not ResourceHandler.read


class ImmediateHandler(ResourceHandler):
    """A type whose resources are there as soon as the calls that make them are answered."""

    @abstractmethod
    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Make one."""

    @abstractmethod
    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Change one in place, from the first properties to the second."""

    @abstractmethod
    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Delete one; one that is gone already is no failure."""

    def creating(self, call: ServiceCall, properties: Properties, place: Place) -> Making:
        """Make one, without waiting."""
        yield from ()
        return self.create(call, properties, place)

    def updating(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Making:
        """Change one, without waiting."""
        yield from ()
        return self.update(call, made, change, place)

    def deleting(self, call: ServiceCall, physical_id: str, properties: Properties) -> Removing:
        """Delete one, without waiting."""
        yield from ()
        self.delete(call, physical_id, properties)


def fail(
    error: AwsError, *, type_name: str, identifier: str, physical_id: str | None = None, service: str = "Iam"
) -> NoReturn:
    """Fail as a resource handler that a service has refused.

    Raises:
        ResourceFailure: With the service's words in CloudFormation's frame.
    """
    code = _HANDLER_CODES.get(error.code, "InvalidRequest")
    message = f"{error.message} (Service: {service}, Status Code: {error.status}, Request ID: {uuid.uuid4()})"
    if code == "AlreadyExists":
        message = already_exists(type_name, identifier)
    raise ResourceFailure(handler_message(message, code), physical_id) from error


def already_exists(type_name: str, identifier: str) -> str:
    """How CloudFormation says that a name is taken."""
    return f"Resource of type '{type_name}' with identifier '{identifier}' already exists."


def handler_message(message: str, code: str) -> str:
    """A handler's message as events show it."""
    return f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
