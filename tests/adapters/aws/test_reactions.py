"""Every error of AWS has one reaction, wherever it is met; the table of them is complete."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.retries.standard import ThrottledRetryableChecker

import apono_operator.adapters.aws
from apono_operator.adapters.aws.errors import REACTIONS, NoSuchEntityError
from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.aws.session import IDENTITY_LIFETIME
from apono_operator.adapters.errors import (
    AdapterError,
    ConflictError,
    DeniedError,
    RejectedError,
    TransientError,
)
from apono_operator.state import plan
from apono_operator.v1alpha1 import Reason
from sandbox.aws import Fault, FrontDoor, LostResponse, Refusal
from tests.adapters.aws.changes import REMOVALS, UPDATES, Row, name_of
from tests.adapters.aws.connection import CREDENTIALS, Connection, connect, connect_with, create, role_of
from tests.aws.identities import Issuer

WAIT, TELL, STOP, AGAIN = TransientError, DeniedError, RejectedError, ConflictError

CODES: list[tuple[str, int, type[AdapterError], Reason]] = [
    ("Throttling", 400, WAIT, Reason.THROTTLED),
    ("ThrottlingException", 400, WAIT, Reason.THROTTLED),
    ("RequestLimitExceeded", 503, WAIT, Reason.THROTTLED),
    ("TooManyRequestsException", 429, WAIT, Reason.THROTTLED),
    ("PriorRequestNotComplete", 400, WAIT, Reason.THROTTLED),
    ("RequestThrottled", 400, WAIT, Reason.THROTTLED),
    ("RequestThrottledException", 400, WAIT, Reason.THROTTLED),
    ("ThrottledException", 400, WAIT, Reason.THROTTLED),
    ("BandwidthLimitExceeded", 503, WAIT, Reason.THROTTLED),
    ("SlowDown", 503, WAIT, Reason.THROTTLED),
    ("ServiceException", 400, WAIT, Reason.AWS_UNAVAILABLE),
    ("ServiceFailure", 500, WAIT, Reason.AWS_UNAVAILABLE),
    ("ServiceUnavailable", 503, WAIT, Reason.AWS_UNAVAILABLE),
    ("InternalFailure", 500, WAIT, Reason.AWS_UNAVAILABLE),
    ("InternalError", 500, WAIT, Reason.AWS_UNAVAILABLE),
    ("PolicyEvaluation", 500, WAIT, Reason.AWS_UNAVAILABLE),
    ("RequestTimeout", 400, WAIT, Reason.AWS_UNAVAILABLE),
    ("RequestTimeoutException", 408, WAIT, Reason.AWS_UNAVAILABLE),
    ("RequestAbortedException", 400, WAIT, Reason.AWS_UNAVAILABLE),
    ("RequestExpired", 400, WAIT, Reason.AWS_UNAVAILABLE),
    ("RequestTimeTooSkewed", 403, WAIT, Reason.AWS_UNAVAILABLE),
    ("IDPCommunicationError", 400, WAIT, Reason.AWS_UNAVAILABLE),
    ("ConcurrentModification", 409, WAIT, Reason.PROPAGATING),
    ("ConcurrentModificationException", 400, WAIT, Reason.PROPAGATING),
    ("EntityTemporarilyUnmodifiable", 409, WAIT, Reason.PROPAGATING),
    ("RoleModified", 409, WAIT, Reason.PROPAGATING),
    ("DeleteConflict", 409, WAIT, Reason.PROPAGATING),
    ("EntityAlreadyExists", 409, AGAIN, Reason.PROPAGATING),
    ("NameConflict", 409, AGAIN, Reason.PROPAGATING),
    ("AlreadyExistsException", 400, AGAIN, Reason.STACK_IN_PROGRESS),
    ("ChangeSetNotFound", 404, AGAIN, Reason.STACK_IN_PROGRESS),
    ("InvalidChangeSetStatus", 400, AGAIN, Reason.STACK_IN_PROGRESS),
    ("TokenAlreadyExistsException", 400, AGAIN, Reason.STACK_IN_PROGRESS),
    ("AccessDenied", 403, TELL, Reason.ACCESS_DENIED),
    ("AccessDeniedException", 403, TELL, Reason.ACCESS_DENIED),
    ("UnauthorizedOperation", 403, TELL, Reason.ACCESS_DENIED),
    ("NotAuthorized", 401, TELL, Reason.ACCESS_DENIED),
    ("ExpiredToken", 403, TELL, Reason.NO_CREDENTIALS),
    ("ExpiredTokenException", 400, TELL, Reason.NO_CREDENTIALS),
    ("InvalidClientTokenId", 403, TELL, Reason.NO_CREDENTIALS),
    ("UnrecognizedClientException", 403, TELL, Reason.NO_CREDENTIALS),
    ("SignatureDoesNotMatch", 403, TELL, Reason.NO_CREDENTIALS),
    ("IncompleteSignature", 400, TELL, Reason.NO_CREDENTIALS),
    ("MissingAuthenticationToken", 403, TELL, Reason.NO_CREDENTIALS),
    ("InvalidIdentityToken", 400, TELL, Reason.NO_CREDENTIALS),
    ("IDPRejectedClaim", 403, TELL, Reason.NO_CREDENTIALS),
    ("OptInRequired", 403, TELL, Reason.NO_CREDENTIALS),
    ("RegionDisabledException", 403, TELL, Reason.NO_CREDENTIALS),
    ("LimitExceeded", 409, STOP, Reason.LIMIT_EXCEEDED),
    ("LimitExceededException", 400, STOP, Reason.LIMIT_EXCEEDED),
    ("MalformedPolicyDocument", 400, STOP, Reason.REJECTED),
    ("PackedPolicyTooLarge", 400, STOP, Reason.REJECTED),
    ("InvalidInput", 400, STOP, Reason.REJECTED),
    ("InvalidInputException", 400, STOP, Reason.REJECTED),
    ("InvalidOperationException", 400, STOP, Reason.REJECTED),
    ("InsufficientCapabilitiesException", 400, STOP, Reason.REJECTED),
    ("ValidationError", 400, STOP, Reason.REJECTED),
    ("PolicyNotAttachable", 400, STOP, Reason.REJECTED),
    ("UnmodifiableEntity", 400, STOP, Reason.REJECTED),
    ("NoSuchEntity", 404, STOP, Reason.REJECTED),
    ("AWSOrganizationsNotInUseException", 400, STOP, Reason.REJECTED),
    ("OrganizationalUnitNotFoundException", 400, STOP, Reason.REJECTED),
    ("ParentNotFoundException", 400, STOP, Reason.REJECTED),
    ("ConstraintViolationException", 400, STOP, Reason.REJECTED),
    ("UnsupportedAPIEndpointException", 400, STOP, Reason.REJECTED),
    ("OperationNotFoundException", 404, STOP, Reason.REJECTED),
    ("StackSetNotFoundException", 404, STOP, Reason.REJECTED),
    ("RoleTemplateDisabled", 400, STOP, Reason.REJECTED),
    ("MalformedHttpRequestException", 400, STOP, Reason.REJECTED),
    ("RequestEntityTooLargeException", 413, STOP, Reason.REJECTED),
    ("UnknownOperationException", 404, STOP, Reason.REJECTED),
]
"""Each code with its usual HTTP status, and what it has to become."""

UNKNOWN_CODES: list[tuple[str, int, type[AdapterError], Reason]] = [
    ("NewOnTheServersSide", 502, WAIT, Reason.AWS_UNAVAILABLE),
    ("NewAndLate", 408, WAIT, Reason.AWS_UNAVAILABLE),
    ("NewAndTooMuch", 429, WAIT, Reason.THROTTLED),
    ("NewOnOurSide", 400, STOP, Reason.REJECTED),
]

COMMON = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InternalFailure",
        "MalformedHttpRequestException",
        "NotAuthorized",
        "OptInRequired",
        "RequestAbortedException",
        "RequestEntityTooLargeException",
        "RequestExpired",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationError",
    }
)
"""IAM API reference, "Common error types": any action may answer with them, and no model declares them."""

OF_OTHER_SERVICES = frozenset(
    {
        "EC2ThrottledException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
    }
)
"""What botocore takes for throttling, and no service that we call says."""

QUOTAS = frozenset({"LimitExceededException"})
"""What botocore takes for throttling, and is a quota that waiting does not lift."""

CREDENTIALS_BY_BOTOCORE = {("sts", "AssumeRole"), ("sts", "AssumeRoleWithWebIdentity")}
"""Called by botocore on its own account."""

EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


def operations() -> set[tuple[str, str]]:
    """The operations that the adapter names as its calls, as pairs of service and operation."""
    files = Path(str(apono_operator.adapters.aws.__file__)).parent.glob("*.py")
    sources = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return set(re.findall(r'"(cloudformation|iam|organizations|sts):([A-Z]\w+)"', sources))


def declared(service: str, operation: str) -> set[str]:
    """The codes of the errors that the service's model declares for the operation."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    shapes: list[Any] = model.error_shapes
    return {shape.error_code for shape in shapes}


def refused(code: str) -> Refusal:
    """A refusal with the code, of its usual status if it has one here."""
    statuses = {known: status for known, status, *_ in CODES}
    return Refusal(code, "Something about it.", statuses.get(code, 400))


@pytest.mark.parametrize(("code", "status", "kind", "reason"), [*CODES, *UNKNOWN_CODES])
def test_an_error_code_becomes_the_kind_of_error_that_it_needs(
    connection: Connection, code: str, status: int, kind: type[AdapterError], reason: Reason
) -> None:
    refusal = Refusal(code, "Something about it.", status)
    with (
        connection.aws.faults.during(Fault(refusal, account=connection.account, operation="UpdateRole")),
        pytest.raises(kind) as failure,
    ):
        connection.iam.apply(plan.UpdateRole(connection.name, "", 3600))

    assert failure.value.reason is reason
    assert failure.value.message == f"iam:UpdateRole: {code}: Something about it."


def test_every_error_code_that_the_operator_knows_is_specified_here() -> None:
    assert {code for code, *_ in CODES} == REACTIONS.keys()


def test_every_error_that_our_operations_declare_has_a_reaction() -> None:
    calls = operations() | CREDENTIALS_BY_BOTOCORE

    missing = {call: declared(*call) - REACTIONS.keys() for call in sorted(calls)}

    assert {service for service, _ in calls} == {"cloudformation", "iam", "organizations", "sts"}
    assert len(calls) > 30
    assert missing == {call: set() for call in calls}


def test_every_error_that_any_action_may_answer_with_has_a_reaction() -> None:
    assert COMMON - REACTIONS.keys() == set()


def test_everything_that_botocore_takes_for_throttling_is_waited_for() -> None:
    checker: Any = ThrottledRetryableChecker
    known = checker._THROTTLED_ERROR_CODES  # noqa: SLF001 -- botocore's list has no public name

    assert {REACTIONS.get(code) for code in set(known) - OF_OTHER_SERVICES - QUOTAS} == {(WAIT, Reason.THROTTLED)}


@pytest.mark.parametrize("code", sorted(REACTIONS.keys() - {"NoSuchEntity"}))
def test_a_look_that_fails_tells_the_same_as_a_change(connection: Connection, code: str) -> None:
    kind, reason = REACTIONS[code]
    with (
        connection.aws.faults.during(Fault(refused(code), account=connection.account, operation="GetRole")),
        pytest.raises(kind) as failure,
    ):
        connection.iam.observe_role(connection.name, Depth.OURS)

    assert failure.value.reason is reason
    assert failure.value.message == f"iam:GetRole: {code}: Something about it."


@pytest.fixture(scope="module")
def stranger(front_door: FrontDoor) -> Connection:
    """A connection that never learnt who it is, and for which nothing that it was told holds any longer."""
    ages = itertools.count(0.0, 2 * IDENTITY_LIFETIME)
    return connect(front_door, front_door.create_account(), clock=lambda: next(ages))


@pytest.mark.parametrize("code", sorted(REACTIONS))
def test_sts_is_understood_as_iam_is(stranger: Connection, code: str) -> None:
    kind, reason = REACTIONS[code]
    with (
        stranger.aws.faults.during(Fault(refused(code), account=stranger.account, operation="GetCallerIdentity")),
        pytest.raises(kind) as failure,
    ):
        stranger.session.caller_identity()

    assert failure.value.reason is reason
    assert failure.value.message == f"sts:GetCallerIdentity: {code}: Something about it."


@pytest.fixture(scope="module")
def variables(front_door: FrontDoor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a pod whose token is exchanged for the credentials of a role."""
    issuer, account = Issuer(EKS), front_door.create_account()
    issuer.introduce(front_door, account)
    role = account.client("iam").create_role(RoleName="operator", AssumeRolePolicyDocument=issuer.trust(account))
    token = tmp_path_factory.mktemp("pod") / "token"
    token.write_text(issuer.token(datetime.now(UTC)), encoding="utf-8")
    return {
        **front_door.environment_without_credentials(account.region),
        "AWS_ROLE_ARN": role["Role"]["Arn"],
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
    }


@pytest.fixture(scope="module")
def without_session(front_door: FrontDoor, variables: dict[str, str]) -> Connection:
    """A connection of that pod, which never got a session."""
    account = front_door.create_account()
    ages = itertools.count(0.0, 2 * IDENTITY_LIFETIME)
    return connect_with(front_door, account, variables, clock=lambda: next(ages))


@pytest.fixture
def pod(without_session: Connection, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Connection:
    """That connection in its environment, which the SDK reads when it exchanges the token."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return without_session


@pytest.mark.parametrize("code", sorted(REACTIONS))
def test_an_exchange_for_credentials_that_fails_is_waited_for_or_means_that_there_are_none(
    pod: Connection, variables: dict[str, str], code: str
) -> None:
    kind, reason = REACTIONS[code]
    expected = (kind, reason) if kind is TransientError else (DeniedError, Reason.NO_CREDENTIALS)
    exchange = Fault(
        refused(code), operation="AssumeRoleWithWebIdentity", parameters={"RoleArn": variables["AWS_ROLE_ARN"]}
    )
    with pod.aws.faults.during(exchange), pytest.raises(AdapterError) as failure:
        pod.iam.observe_role("any", Depth.OURS)

    assert (type(failure.value), failure.value.reason) == expected
    assert failure.value.message == f"sts:AssumeRoleWithWebIdentity: {code}: Something about it."


@pytest.mark.parametrize("code", ["ConcurrentModification", "LimitExceeded", "AccessDenied", "EntityAlreadyExists"])
def test_what_botocore_does_not_try_again_is_left_to_the_next_pass(connection: Connection, code: str) -> None:
    persistent = connect(connection.aws, connection.account, attempts=3)
    fault = Fault(refused(code), account=connection.account, operation="UpdateRole", times=None)

    with connection.aws.faults.during(fault), pytest.raises(AdapterError):
        persistent.iam.apply(plan.UpdateRole(connection.name, "", 3600))

    assert fault.fired == 1


@pytest.mark.parametrize("row", [*UPDATES, *REMOVALS], ids=name_of)
@pytest.mark.parametrize("reset", [True, False], ids=["connection-reset", "answered-500"])
def test_a_change_whose_answer_was_lost_was_made_and_may_be_made_again(
    connection: Connection, row: Row, *, reset: bool
) -> None:
    create(connection, role_of(connection))
    change = row.change(connection)
    lost = Fault(LostResponse(reset=reset), account=connection.account)
    with connection.aws.faults.during(lost), pytest.raises(TransientError) as failure:
        connection.iam.apply(change)
    once = connection.iam.observe_role(connection.name, Depth.EVERYTHING)

    connection.iam.apply(change)

    assert failure.value.reason is Reason.AWS_UNAVAILABLE
    assert once != role_of(connection)
    assert connection.iam.observe_role(connection.name, Depth.EVERYTHING) == once


def test_a_role_whose_deletion_was_not_answered_is_gone_and_may_be_deleted_again(connection: Connection) -> None:
    bare(connection)

    with pytest.raises(NoSuchEntityError):  # for a look to say what to make of it
        remove_with_a_lost_answer(connection, plan.DeleteRole(connection.name))

    assert connection.iam.observe_role(connection.name, Depth.EVERYTHING) is None


def test_a_role_whose_removal_from_a_profile_was_not_answered_is_out_and_may_be_removed_again(
    connection: Connection,
) -> None:
    bare(connection)
    iam = connection.account.client("iam")
    iam.create_instance_profile(InstanceProfileName=connection.profile)
    iam.add_role_to_instance_profile(InstanceProfileName=connection.profile, RoleName=connection.name)

    remove_with_a_lost_answer(connection, plan.RemoveFromInstanceProfile(connection.name, connection.profile))

    after = connection.iam.observe_role(connection.name, Depth.EVERYTHING)
    assert after is not None
    assert after.instance_profiles == frozenset()


def bare(connection: Connection) -> None:
    """Make a role on which nothing hangs."""
    trust = role_of(connection).trust.json
    connection.account.client("iam").create_role(RoleName=connection.name, AssumeRolePolicyDocument=trust)


def remove_with_a_lost_answer(connection: Connection, change: plan.RoleChange) -> None:
    """Make *change* twice; the first time, its answer does not come."""
    lost = Fault(LostResponse(reset=True), account=connection.account)
    with connection.aws.faults.during(lost), pytest.raises(TransientError):
        connection.iam.apply(change)
    connection.iam.apply(change)
