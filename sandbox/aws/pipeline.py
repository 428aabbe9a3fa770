"""The way of every call: read, identify, fault, check, authorise, carry out, record, answer."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from botocore.model import OperationModel

from sandbox.aws.authorisation import authorise, needed_permissions
from sandbox.aws.calls import CallLog
from sandbox.aws.cloudformation.api.operations import OPERATIONS as CLOUDFORMATION_OPERATIONS
from sandbox.aws.errors import AwsError, ConnectionDroppedError, not_modelled
from sandbox.aws.faults import Faults, Hooks
from sandbox.aws.iam.operations import OPERATIONS as IAM_OPERATIONS
from sandbox.aws.identity.callers import AccessKey
from sandbox.aws.identity.signature import Signature, read_signature, verify
from sandbox.aws.identity_center.operations import OPERATIONS as IDENTITY_CENTER_OPERATIONS
from sandbox.aws.organizations.operations import OPERATIONS as ORGANIZATIONS_OPERATIONS
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call, Operation, State
from sandbox.aws.sts.operations import OPERATIONS as STS_OPERATIONS
from sandbox.aws.wire import json_rpc, query
from sandbox.aws.wire.models import check_constraints, operation_model, redacted, service_model
from sandbox.aws.wire.protocols import named_operation, render_error
from sandbox.aws.wire.server import HttpRequest, HttpResponse

SERVICES: Final[Mapping[str, Mapping[str, Operation]]] = {
    "cloudformation": CLOUDFORMATION_OPERATIONS,
    "iam": IAM_OPERATIONS,
    "organizations": ORGANIZATIONS_OPERATIONS,
    "sso": IDENTITY_CENTER_OPERATIONS,
    "sts": STS_OPERATIONS,
}
"""The operations that are modelled, by service."""


@dataclass
class _Progress:
    """What is known of a call so far, for the log, however early it is refused."""

    came_in: datetime
    started: float = field(default_factory=time.perf_counter)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    service: str = "unknown"
    operation: str = "unknown"
    model: OperationModel | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    access_key_id: str | None = None
    key: AccessKey | None = None
    asked: tuple[Request, ...] = ()
    applied: bool = False


class Pipeline:
    """Answers HTTP requests from the state.

    Args:
        state: What the calls act upon.
        calls: Where they are recorded.
        faults: What befalls them.
        hooks: What else is to run in their midst.
    """

    def __init__(self, state: State, calls: CallLog, faults: Faults, hooks: Hooks) -> None:
        self._state, self._calls, self._faults, self._hooks = state, calls, faults, hooks
        state.perform = self.perform
        self.internal_errors: list[Exception] = []

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request.

        Raises:
            ConnectionDroppedError: The connection is to be reset.
        """
        progress = _Progress(self._state.clock())
        outcome = "ok"
        try:
            return self._answer(request, progress)
        except AwsError as error:
            outcome = error.code
            return render_error(progress.service, request, error, progress.request_id)
        except ConnectionDroppedError:
            outcome = "ConnectionReset"
            raise
        except Exception as error:  # noqa: BLE001 -- an error of the sandbox: answered, kept, and raised at its end
            outcome = "InternalFailure"
            self.internal_errors.append(error)
            traceback.print_exc()
            failure = AwsError("InternalFailure", repr(error))
            return render_error(progress.service, request, failure, progress.request_id)
        finally:
            self._record(progress, outcome)

    def perform(
        self, key: AccessKey, service: str, region: str, operation: str, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Make a call on behalf of a service, with all that befalls one that comes in over HTTP.

        Args:
            key: What it is signed with; it has to be valid now.
            service: Such as `iam`; one that is modelled.
            region: The credential scope's region.
            operation: Such as `CreateRole`; one that is modelled.
            parameters: As the service's model names them.

        Returns:
            The members of the operation's output.

        Raises:
            AwsError: The service's answer.
            ConnectionDroppedError: There is none.
        """
        progress = _Progress(self._state.clock(), service=service, operation=operation, parameters=parameters)
        progress.model, progress.access_key_id = operation_model(service, operation), key.access_key_id
        outcome = "ok"
        try:
            progress.key = self._state.keys.usable(key.access_key_id, key.session_token, self._state.clock())
            call = Call(self._state, service, operation, parameters, region, key.caller, key.access_key_id)
            return self._carry_out(call, SERVICES[service][operation], progress.model, progress)
        except AwsError as error:
            outcome = error.code
            raise
        except ConnectionDroppedError:
            outcome = "ConnectionReset"
            raise
        finally:
            self._record(progress, outcome)

    def _answer(self, request: HttpRequest, progress: _Progress) -> HttpResponse:
        signature = read_signature(request)
        model, operation = _read(request, signature, progress)
        if operation.signed:
            progress.key = self._identify(request, signature)
        caller = progress.key.caller if progress.key else None
        region = signature.region if signature else ""
        call = Call(
            self._state,
            progress.service,
            model.name,
            progress.parameters,
            region,
            caller,
            progress.access_key_id,
        )
        result = self._carry_out(call, operation, model, progress)
        if _is_json(model):
            return json_rpc.render(result, progress.request_id)
        return query.render(model, result, progress.request_id)

    def _identify(self, request: HttpRequest, signature: Signature | None) -> AccessKey:
        if signature is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
        token = request.headers.get("x-amz-security-token")
        key = self._state.keys.usable(signature.access_key_id, token, self._state.clock())
        if _partition_of(signature.region) != key.caller.partition:
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
        verify(request, signature, key)
        return key

    def _carry_out(
        self, call: Call, operation: Operation, model: OperationModel, progress: _Progress
    ) -> Mapping[str, Any]:
        effects = self._faults.striking(call)
        for effect in effects:
            effect.before()
        self._hooks.run_before(call)
        check_constraints(
            model.input_shape, call.parameters, "ValidationException" if _is_json(model) else "ValidationError"
        )
        permissions = needed_permissions(call)
        progress.asked = tuple(one.request for one in permissions)
        authorise(call, permissions)
        result = operation.carry_out(call)
        progress.applied = True
        self._hooks.run_after(call)
        for effect in effects:
            effect.after()
        return result

    def _record(self, progress: _Progress, outcome: str) -> None:
        caller = progress.key.caller if progress.key else None
        shape = progress.model.input_shape if progress.model else None
        self._calls.add(
            time=progress.came_in,
            account_id=caller.account_id if caller else None,
            caller=caller.arn if caller else None,
            access_key_id=progress.access_key_id,
            service=progress.service,
            operation=progress.operation,
            parameters=redacted(shape, progress.parameters),
            asked=progress.asked,
            outcome=outcome,
            applied=progress.applied,
            duration=time.perf_counter() - progress.started,
        )


def _read(request: HttpRequest, signature: Signature | None, progress: _Progress) -> tuple[OperationModel, Operation]:
    """Find out what is asked, and refuse what is not modelled."""
    progress.service = signature.service if signature else "sts"  # what STS serves unsigned is all that may be
    progress.access_key_id = signature.access_key_id if signature else None
    fields = query.form_fields(request.body) if _is_form(request) else {}
    progress.operation = fields.pop("Action", "") or named_operation(progress.service, request)
    what = f"{progress.service}:{progress.operation}"
    operations = SERVICES.get(progress.service)
    if operations is None or _is_form(request) == _speaks_json(progress.service):
        raise not_modelled(what)
    version = fields.pop("Version", "") if _is_form(request) else service_model(progress.service).api_version
    progress.model = _model(progress.service, progress.operation, version)
    operation = operations.get(progress.operation)
    if operation is None:
        raise not_modelled(what)
    is_json = _is_json(progress.model)
    progress.parameters = (
        json_rpc.parse(progress.model, request.body) if is_json else query.parse(progress.model, fields)
    )
    for name in progress.parameters:
        if name not in operation.parameters:
            raise not_modelled(f"parameter {name} of {what}")
    return progress.model, operation


def _is_json(model: OperationModel) -> bool:
    return str(model.service_model.protocol) == "json"


def _speaks_json(service: str) -> bool:
    return str(service_model(service).protocol) == "json"


def _is_form(request: HttpRequest) -> bool:
    kind = request.headers.get("content-type", "")
    return request.method == "POST" and kind.startswith("application/x-www-form-urlencoded")


def _model(service: str, operation: str, version: str) -> OperationModel:
    if version != service_model(service).api_version or operation not in service_model(service).operation_names:
        raise AwsError("InvalidAction", f"Could not find operation {operation} for version {version}")
    return operation_model(service, operation)


def _partition_of(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
