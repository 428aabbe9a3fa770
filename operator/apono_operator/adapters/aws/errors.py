"""botocore's errors, translated by the reaction that they need.

Sources: API references of IAM, STS, CloudFormation and Organizations, "Common error types" and each action's errors;
AWS SDK reference guide, "Retry behavior".
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 -- botocore's own name
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from apono_operator.adapters.errors import (
    AdapterError,
    ConflictError,
    DeniedError,
    RejectedError,
    TransientError,
)
from apono_operator.v1alpha1 import Reason

Reaction = tuple[type[AdapterError], Reason]

REACTIONS: Mapping[str, Reaction] = {
    # wait
    "Throttling": (TransientError, Reason.THROTTLED),
    "ThrottlingException": (TransientError, Reason.THROTTLED),
    "RequestLimitExceeded": (TransientError, Reason.THROTTLED),
    "TooManyRequestsException": (TransientError, Reason.THROTTLED),
    "PriorRequestNotComplete": (TransientError, Reason.THROTTLED),
    "RequestThrottled": (TransientError, Reason.THROTTLED),
    "RequestThrottledException": (TransientError, Reason.THROTTLED),
    "ThrottledException": (TransientError, Reason.THROTTLED),
    "BandwidthLimitExceeded": (TransientError, Reason.THROTTLED),
    "SlowDown": (TransientError, Reason.THROTTLED),
    "ServiceException": (TransientError, Reason.AWS_UNAVAILABLE),
    "ServiceFailure": (TransientError, Reason.AWS_UNAVAILABLE),
    "ServiceUnavailable": (TransientError, Reason.AWS_UNAVAILABLE),
    "InternalFailure": (TransientError, Reason.AWS_UNAVAILABLE),
    "InternalError": (TransientError, Reason.AWS_UNAVAILABLE),
    "PolicyEvaluation": (TransientError, Reason.AWS_UNAVAILABLE),
    "RequestTimeout": (TransientError, Reason.AWS_UNAVAILABLE),
    "RequestTimeoutException": (TransientError, Reason.AWS_UNAVAILABLE),
    "RequestAbortedException": (TransientError, Reason.AWS_UNAVAILABLE),
    "RequestExpired": (TransientError, Reason.AWS_UNAVAILABLE),
    "RequestTimeTooSkewed": (TransientError, Reason.AWS_UNAVAILABLE),
    "IDPCommunicationError": (TransientError, Reason.AWS_UNAVAILABLE),
    "ConcurrentModification": (TransientError, Reason.PROPAGATING),
    "ConcurrentModificationException": (TransientError, Reason.PROPAGATING),
    "EntityTemporarilyUnmodifiable": (TransientError, Reason.PROPAGATING),
    "RoleModified": (TransientError, Reason.PROPAGATING),
    "DeleteConflict": (TransientError, Reason.PROPAGATING),
    "EntityAlreadyExists": (ConflictError, Reason.PROPAGATING),
    "NameConflict": (ConflictError, Reason.PROPAGATING),
    "AlreadyExistsException": (ConflictError, Reason.STACK_IN_PROGRESS),
    "ChangeSetNotFound": (ConflictError, Reason.STACK_IN_PROGRESS),
    "InvalidChangeSetStatus": (ConflictError, Reason.STACK_IN_PROGRESS),
    "TokenAlreadyExistsException": (ConflictError, Reason.STACK_IN_PROGRESS),
    # tell
    "AccessDenied": (DeniedError, Reason.ACCESS_DENIED),
    "AccessDeniedException": (DeniedError, Reason.ACCESS_DENIED),
    "UnauthorizedOperation": (DeniedError, Reason.ACCESS_DENIED),
    "NotAuthorized": (DeniedError, Reason.ACCESS_DENIED),
    "ExpiredToken": (DeniedError, Reason.NO_CREDENTIALS),
    "ExpiredTokenException": (DeniedError, Reason.NO_CREDENTIALS),
    "InvalidClientTokenId": (DeniedError, Reason.NO_CREDENTIALS),
    "UnrecognizedClientException": (DeniedError, Reason.NO_CREDENTIALS),
    "SignatureDoesNotMatch": (DeniedError, Reason.NO_CREDENTIALS),
    "IncompleteSignature": (DeniedError, Reason.NO_CREDENTIALS),
    "MissingAuthenticationToken": (DeniedError, Reason.NO_CREDENTIALS),
    "InvalidIdentityToken": (DeniedError, Reason.NO_CREDENTIALS),
    "IDPRejectedClaim": (DeniedError, Reason.NO_CREDENTIALS),
    "OptInRequired": (DeniedError, Reason.NO_CREDENTIALS),
    "RegionDisabledException": (DeniedError, Reason.NO_CREDENTIALS),
    # stop
    "LimitExceeded": (RejectedError, Reason.LIMIT_EXCEEDED),
    "LimitExceededException": (RejectedError, Reason.LIMIT_EXCEEDED),
    "MalformedPolicyDocument": (RejectedError, Reason.REJECTED),
    "PackedPolicyTooLarge": (RejectedError, Reason.REJECTED),
    "InvalidInput": (RejectedError, Reason.REJECTED),
    "InvalidInputException": (RejectedError, Reason.REJECTED),
    "InvalidOperationException": (RejectedError, Reason.REJECTED),
    "InsufficientCapabilitiesException": (RejectedError, Reason.REJECTED),
    "ValidationError": (RejectedError, Reason.REJECTED),
    "PolicyNotAttachable": (RejectedError, Reason.REJECTED),
    "UnmodifiableEntity": (RejectedError, Reason.REJECTED),
    "NoSuchEntity": (RejectedError, Reason.REJECTED),
    "AWSOrganizationsNotInUseException": (RejectedError, Reason.REJECTED),
    "OrganizationalUnitNotFoundException": (RejectedError, Reason.REJECTED),
    "ParentNotFoundException": (RejectedError, Reason.REJECTED),
    "ConstraintViolationException": (RejectedError, Reason.REJECTED),
    "UnsupportedAPIEndpointException": (RejectedError, Reason.REJECTED),
    "StackSetNotFoundException": (RejectedError, Reason.REJECTED),
    "OperationNotFoundException": (RejectedError, Reason.REJECTED),
    "RoleTemplateDisabled": (RejectedError, Reason.REJECTED),
    "MalformedHttpRequestException": (RejectedError, Reason.REJECTED),
    "RequestEntityTooLargeException": (RejectedError, Reason.REJECTED),
    "UnknownOperationException": (RejectedError, Reason.REJECTED),
}
"""What each error code makes us do; of one that is not here, the HTTP status decides."""

INVALID_PRINCIPAL = "Invalid principal in policy"
_CREDENTIAL_OPERATIONS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity"})
"""What botocore calls by itself, inside any other call, to get credentials."""

_WITHOUT_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
_UNREADABLE = (LookupError, RuntimeError, TypeError, ValueError)
"""What botocore lets out when an agent for credentials gives something that is none, or is over when it comes."""

_AGENT_STATUS = re.compile(r"Received non 200 response (\d{3})")
_AGENT_GARBLED = "Unable to parse JSON"
"""How botocore tells of an agent for credentials (of a container) that answers without giving any."""

_SECRETIVE = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,}")
_MESSAGE_LIMIT = 512
_STATUSES: Mapping[int, Reaction] = {
    408: (TransientError, Reason.AWS_UNAVAILABLE),
    429: (TransientError, Reason.THROTTLED),
}
_ERROR, _SERVER_ERROR = 400, 500


class NoSuchEntityError(RejectedError):
    """What was asked for does not exist (``NoSuchEntity``)."""


class DeleteConflictError(TransientError):
    """Something still hangs on what was to be deleted (``DeleteConflict``), or seems to while IAM lags."""


class NoSuchStackError(ConflictError):
    """There is no stack of that name or id, or none any more (``ValidationError``, told by its words alone)."""


class NoSuchStackSetError(RejectedError):
    """There is no StackSet of that name (``StackSetNotFoundException``)."""


class NoSuchChangeSetError(ConflictError):
    """There is no change set of that name, or none any more (``ChangeSetNotFound``)."""


class AlreadyThereError(ConflictError):
    """CloudFormation has one of that name already (``AlreadyExistsException``)."""


class NotInOrganizationError(RejectedError):
    """The account is in no organization, or its organization has no such unit."""


_KINDS: Mapping[str, type[AdapterError]] = {
    "NoSuchEntity": NoSuchEntityError,
    "DeleteConflict": DeleteConflictError,
    "ChangeSetNotFound": NoSuchChangeSetError,
    "StackSetNotFoundException": NoSuchStackSetError,
    "AlreadyExistsException": AlreadyThereError,
    "AWSOrganizationsNotInUseException": NotInOrganizationError,
    "OrganizationalUnitNotFoundException": NotInOrganizationError,
}
"""The codes that somebody tells apart from others with the same reaction."""

_NO_STACK = re.compile(r"Stack (with id )?\S+ does not exist")
_CHANGED_MEANWHILE = re.compile(
    r"is in \w+ state and can|cannot be deleted while|already exists and cannot be created again"
)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Run one AWS call, named *action* as IAM names it (``iam:GetRole``).

    Raises:
        AdapterError: of the kind that the failure needs, with botocore's error as its cause.
    """
    try:
        yield
    except ClientError as error:
        raise translation(action, error) from error
    except _WITHOUT_CREDENTIALS as error:
        raise _without_credentials(action, error) from error
    except (ConnectionError, HTTPClientError) as error:
        raise _unanswered(action, error) from error
    except ResponseParserError as error:  # its text holds the whole answer
        message = f"{action}: the answer is not one of AWS (a proxy's, perhaps)"
        raise TransientError(Reason.AWS_UNAVAILABLE, message) from error
    except BotoCoreError as error:
        raise RejectedError(Reason.REJECTED, f"{action}: {cleaned(str(error))}") from error
    except OSError as error:  # the network's are wrapped by botocore: it is the file of a token
        raise DeniedError(Reason.NO_CREDENTIALS, f"{action}: no credentials: {cleaned(str(error))}") from error
    except _UNREADABLE as error:
        if not _is_about_credentials(error):
            raise
        message = f"{action}: no credentials: {type(error).__name__}: {cleaned(str(error))}"
        raise DeniedError(Reason.NO_CREDENTIALS, message) from error


def translation(action: str, error: ClientError) -> AdapterError:
    """Return *error* as the kind of failure that it is."""
    details = error.response.get("Error", {})
    code, text = details.get("Code", "Unknown"), details.get("Message", "")
    if error.operation_name in _CREDENTIAL_OPERATIONS and action != f"sts:{error.operation_name}":
        return _no_credentials(f"sts:{error.operation_name}: {code}: {cleaned(text)}", code, error)
    message = f"{action}: {code}: {cleaned(text)}"
    if code == "MalformedPolicyDocument" and INVALID_PRINCIPAL in text:
        return TransientError(Reason.PROPAGATING, message)
    if code == "ValidationError" and action.startswith("cloudformation:"):
        return _of_stack(message, text)
    kind, reason = REACTIONS.get(code, _by_status(error))
    return _KINDS.get(code, kind)(reason, message)


def _of_stack(message: str, text: str) -> AdapterError:
    """Tell a stack that is not as it was a moment ago from a request that is wrong: the code is the same."""
    if _NO_STACK.search(text):
        return NoSuchStackError(Reason.STACK_IN_PROGRESS, message)
    if _CHANGED_MEANWHILE.search(text):
        return ConflictError(Reason.STACK_IN_PROGRESS, message)
    return RejectedError(Reason.REJECTED, message)


def _no_credentials(message: str, code: str, error: ClientError) -> AdapterError:
    kind, reason = REACTIONS.get(code, _by_status(error))
    if kind is TransientError:
        return kind(reason, message)
    return DeniedError(Reason.NO_CREDENTIALS, message)


def _by_status(error: ClientError) -> Reaction:
    return _reaction_to(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _reaction_to(status: int) -> Reaction:
    if status >= _SERVER_ERROR:
        return TransientError, Reason.AWS_UNAVAILABLE
    return _STATUSES.get(status, (RejectedError, Reason.REJECTED))


def _without_credentials(action: str, error: BotoCoreError) -> AdapterError:
    """Tell credentials that cannot be had from an agent for them that cannot give any just now."""
    for cause in _causes(error):
        if isinstance(cause, (ConnectionError, HTTPClientError)):
            return _unanswered(action, cause)
    told = str(error)
    if _AGENT_GARBLED in told:
        message = f"{action}: what answers is no agent for credentials (a proxy, perhaps)"
        return TransientError(Reason.AWS_UNAVAILABLE, message)
    status = _AGENT_STATUS.search(told)
    kind, reason = _reaction_to(int(status[1]) if status else 0)
    if status and kind is TransientError:  # the rest of it may be another with each try
        return TransientError(reason, f"{action}: the agent for credentials answers with status {status[1]}")
    return DeniedError(Reason.NO_CREDENTIALS, f"{action}: {cleaned(told)}")


def _is_about_credentials(error: Exception) -> bool:
    """Tell whether *error* came up while botocore was getting credentials: no type of its own says so."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == "botocore.credentials" for frame in frames)


def _causes(error: BotoCoreError) -> Iterator[BotoCoreError]:
    """Yield what led to *error* within botocore."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, BotoCoreError):
        yield cause
        yield from _causes(cause)


def _unanswered(action: str, error: BotoCoreError) -> TransientError:
    """Name host and type alone: what else botocore tells may be another with each try, or hold a password."""
    url = error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or ""
    host = urlsplit(str(url)).hostname or "AWS"
    return TransientError(Reason.AWS_UNAVAILABLE, f"{action}: no answer from {host} ({type(error).__name__})")


def outcome_of(answer: Mapping[str, Any] | None) -> str:
    """Return in a word what an answer of AWS, as botocore has parsed it, says; None: there was no answer."""
    if answer is None:
        return "unanswered"
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if "Error" not in answer and status < _ERROR:
        return "ok"
    kind, reason = REACTIONS.get(answer.get("Error", {}).get("Code", ""), _reaction_to(status))
    if reason is Reason.THROTTLED:
        return "throttled"
    return {DeniedError: "denied", TransientError: "failed"}.get(kind, "refused")


def cleaned(text: str) -> str:
    """Return *text* on one line, without access key ids and without an end that nobody reads."""
    return _SECRETIVE.sub("(access key)", " ".join(text.split()))[:_MESSAGE_LIMIT]
