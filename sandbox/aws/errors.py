"""Errors as AWS words them: a code, a message and an HTTP status."""

from __future__ import annotations

from typing import Final

_STATUS: Final = {
    "AccessDenied": 403,
    "ChangeSetNotFound": 404,
    "ConcurrentModification": 409,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "ExpiredToken": 403,
    "InternalFailure": 500,
    "InvalidClientTokenId": 403,
    "LimitExceeded": 409,
    "MissingAuthenticationToken": 403,
    "NameAlreadyExistsException": 409,
    "NoSuchEntity": 404,
    "NotModelled": 501,
    "OperationIdAlreadyExistsException": 409,
    "OperationInProgressException": 409,
    "OperationNotFoundException": 404,
    "ServiceFailure": 500,
    "SignatureDoesNotMatch": 403,
    "StackInstanceNotFoundException": 404,
    "StackSetNotEmptyException": 409,
    "StackSetNotFoundException": 404,
}


class AwsError(Exception):
    """A refusal that the caller sees.

    Args:
        code: The error code on the wire, such as `NoSuchEntity`.
        message: The text next to it.
        status: The HTTP status; the code's usual one (400 where none is known) if left out.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = _STATUS.get(code, 400) if status is None else status


class ConnectionDroppedError(Exception):
    """The connection is to be reset instead of answered."""


def access_denied(message: str) -> AwsError:
    """A refusal for want of permission."""
    return AwsError("AccessDenied", message)


def malformed_policy(message: str) -> AwsError:
    """A policy document that breaks the grammar or names nobody."""
    return AwsError("MalformedPolicyDocument", message)


def no_such_entity(message: str) -> AwsError:
    """Something named that does not exist."""
    return AwsError("NoSuchEntity", message)


def not_modelled(what: str) -> AwsError:
    """Something AWS has and this sandbox does not: a gap to fill, never a behaviour to rely on."""
    return AwsError("NotModelled", f"{what} is not modelled by this sandbox")


def validation_error(message: str) -> AwsError:
    """Input outside the bounds of the service's model."""
    return AwsError("ValidationError", message)
