"""CloudFormation: looking at a connector's stack in the management account, and changing it by change sets.

Nothing is waited for: each call returns what is, or begins something that goes on by itself.

Source: CloudFormation API reference.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any

from apono_operator.adapters.aws.errors import (
    AlreadyThereError,
    NoSuchChangeSetError,
    NoSuchStackError,
    NoSuchStackSetError,
    cleaned,
    translated,
)
from apono_operator.state.member_accounts import StackInstance
from apono_operator.state.stack import (
    ChangeSet,
    ContinueRollback,
    DeleteStack,
    DiscardChangeSet,
    ExecuteChangeSet,
    MakeChangeSet,
    ObservedStack,
    ResourceChange,
    Stack,
    StackChange,
    Template,
)
from apono_operator.state.template_summary import TemplateSummary

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Calling = Callable[[str], AbstractContextManager[None]]
"""Surrounds a call that is named as IAM names it, and translates its errors."""

_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
"""The status of the stack itself with which an operation begins; what follows a failure has others."""


class CloudFormation:
    """The stacks of one account and region.

    Args:
        client: A boto3 CloudFormation client.
        calling: Surrounds each call.
    """

    def __init__(self, client: CloudFormationClient, calling: Calling = translated) -> None:
        self._client = client
        self._calling = calling

    def observe(self, name_or_id: str) -> ObservedStack | None:
        """Return a stack as it is, None if there is none.

        By its name it is the living stack of that name, whoever made it: so a stack is kept. By its id (an ARN) it
        is that very stack, for 90 days after its end as well, and never a successor of the same name: so it is
        deleted.

        Raises:
            AdapterError: if AWS does not say.
        """
        try:
            with self._calling("cloudformation:DescribeStacks"):
                answer: Mapping[str, Any] = self._client.describe_stacks(StackName=name_or_id)
        except NoSuchStackError:
            return None
        return _observed(answer["Stacks"][0])

    def change_set(self, stack: str, name: str) -> ChangeSet | None:
        """Return the change set called *name* of the stack of that name or id, with all its changes; None if missing.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=name)
        try:
            with self._calling("cloudformation:DescribeChangeSet"):
                first, *rest = list[Mapping[str, Any]](pages)
        except (NoSuchChangeSetError, NoSuchStackError):
            return None
        return ChangeSet(
            change_set_id=first["ChangeSetId"],
            status=first["Status"],
            execution_status=first.get("ExecutionStatus", ""),
            status_reason=cleaned(first.get("StatusReason", "")),
            changes=tuple(change for page in (first, *rest) for change in _changes(page)),
            tags=_tags(first),
        )

    def first_failure(self, stack_id: str) -> str:
        """Return what failed first since the stack last began to be made, changed or deleted: resource and reason.

        Empty if nothing did. One call for each hundred events since then.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        with self._calling("cloudformation:DescribeStackEvents"):
            failed = [event for event in _last_operation(pages) if event["ResourceStatus"].endswith("_FAILED")]
        of_resources = [event for event in failed if not _is_of_stack(event)]
        return _told((of_resources or failed)[-1:], "ResourceStatusReason")

    def validation_failure(self, change_set_id: str) -> str:
        """Return what CloudFormation's early validation objects to in a change set that failed; empty if nothing.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("describe_events").paginate(
            ChangeSetName=change_set_id, Filters={"FailedEvents": True}
        )
        with self._calling("cloudformation:DescribeEvents"):
            events: list[Mapping[str, Any]] = [event for page in pages for event in page["OperationEvents"]]
        failed = [event for event in events if event.get("ValidationFailureMode") == "FAIL"]
        return _told(failed[-1:], "ValidationStatusReason")

    def stack_instances(self, stack_set: str) -> tuple[StackInstance, ...] | None:
        """Return what the StackSet of that name has in each account, None if there is no such set; 100 to a call.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("list_stack_instances").paginate(StackSetName=stack_set)
        try:
            with self._calling("cloudformation:ListStackInstances"):
                found: list[Mapping[str, Any]] = [one for page in pages for one in page["Summaries"]]
        except NoSuchStackSetError:
            return None
        return tuple(map(_instance, found))

    def template_summary(self, template: Template) -> TemplateSummary:
        """Return what *template* asks for and makes.

        Raises:
            RejectedError: if it is no template, or CloudFormation cannot read it where it is.
            AdapterError: if AWS does not say.
        """
        with self._calling("cloudformation:GetTemplateSummary"):
            answer: Mapping[str, Any] = self._client.get_template_summary(**_source(template))
        return TemplateSummary(
            parameters={one["ParameterKey"]: "DefaultValue" not in one for one in answer.get("Parameters", ())},
            capabilities=tuple(answer.get("Capabilities", ())),
            resource_types=tuple(dict.fromkeys(answer.get("ResourceTypes", ()))),
            transforms=tuple(answer.get("DeclaredTransforms", ())),
        )

    def stack_sets_access(self) -> str:
        """Return whether StackSets may act throughout the organization: ``ENABLED`` if so, else ``DISABLED…``.

        Raises:
            RejectedError: if this is not the management account of an organization.
            AdapterError: if AWS does not say.
        """
        with self._calling("cloudformation:DescribeOrganizationsAccess"):
            status: str = self._client.describe_organizations_access(CallAs="SELF")["Status"]
        return status

    def apply(self, change: StackChange, desired: Stack) -> None:
        """Make *change*, which a plan towards *desired* asks for; it may be made twice, and nothing is waited for.

        Raises:
            ConflictError: if the stack or the change set is not as it was when the change was decided: look again.
            AdapterError: if it was not made, or if nobody can tell whether it was.
        """
        match change:
            case MakeChangeSet():
                self._make_change_set(change, desired)
            case ExecuteChangeSet():
                self._execute(change, desired)
            case DiscardChangeSet():
                self._discard(change, desired)
            case DeleteStack():
                self.delete(change)
            case ContinueRollback():
                self._continue_rollback(change)

    def delete(self, change: DeleteStack) -> None:
        """Begin to delete a stack; one that is gone, or is being deleted, is left.

        A token that came twice would have no effect where the last attempt failed: each attempt has its own.

        Raises:
            ConflictError: if it cannot be deleted as it is now: look again.
            AdapterError: if its deletion was not begun, or if nobody can tell whether it was.
        """
        with suppress(NoSuchStackError), self._calling("cloudformation:DeleteStack"):
            self._client.delete_stack(StackName=change.stack_id, ClientRequestToken=_fresh_token())

    def _make_change_set(self, change: MakeChangeSet, desired: Stack) -> None:
        """One of its name that is there already is as good: its name is made of all that is asked for.

        An update heeds drift: what others changed in the resources is put right with it.
        """
        mode: dict[str, Any] = {} if change.kind == "CREATE" else {"DeploymentMode": "REVERT_DRIFT"}
        with suppress(AlreadyThereError), self._calling("cloudformation:CreateChangeSet"):
            self._client.create_change_set(
                StackName=desired.name,
                ChangeSetName=desired.change_set_name,
                ChangeSetType="CREATE" if change.kind == "CREATE" else "UPDATE",
                ClientToken=desired.change_set_name,
                RoleARN=desired.service_role_arn,
                **mode,
                **_contents(desired),
            )

    def _execute(self, change: ExecuteChangeSet, desired: Stack) -> None:
        """A change set is executed once: its own id is the token."""
        with self._calling("cloudformation:ExecuteChangeSet"):
            self._client.execute_change_set(
                StackName=desired.name,
                ChangeSetName=change.change_set_id,
                ClientRequestToken=f"apono-{change.change_set_id.rsplit('/', 1)[-1]}",
            )

    def _discard(self, change: DiscardChangeSet, desired: Stack) -> None:
        with suppress(NoSuchChangeSetError, NoSuchStackError), self._calling("cloudformation:DeleteChangeSet"):
            self._client.delete_change_set(StackName=desired.name, ChangeSetName=change.change_set_id)

    def _continue_rollback(self, change: ContinueRollback) -> None:
        with self._calling("cloudformation:ContinueUpdateRollback"):
            self._client.continue_update_rollback(StackName=change.stack_id, ClientRequestToken=_fresh_token())


def _contents(desired: Stack) -> dict[str, Any]:
    return {
        **_source(desired.template),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(desired.parameters.items())
        ],
        "Capabilities": list(desired.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(desired.tags.items())],
    }


def _instance(summary: Mapping[str, Any]) -> StackInstance:
    return StackInstance(
        account_id=summary["Account"],
        unit_id=summary.get("OrganizationalUnitId", ""),
        status=summary["Status"],
        detail=summary.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
        reason=cleaned(summary.get("StatusReason", "")),
    )


def _observed(stack: Mapping[str, Any]) -> ObservedStack:
    return ObservedStack(
        stack_id=stack["StackId"],
        name=stack["StackName"],
        status=stack["StackStatus"],
        status_reason=cleaned(stack.get("StackStatusReason", "")),
        parameters={one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())},
        outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())},
        tags=_tags(stack),
        service_role_arn=stack.get("RoleARN"),
        termination_protected=stack.get("EnableTerminationProtection", False),
        change_set_id=stack.get("ChangeSetId", ""),
        updated=stack.get("LastUpdatedTime", stack["CreationTime"]).isoformat(),
    )


def _changes(page: Mapping[str, Any]) -> Iterator[ResourceChange]:
    for change in page["Changes"]:
        resource = change.get("ResourceChange")
        if resource:  # others are of hooks
            yield ResourceChange(
                action=resource["Action"],
                logical_id=resource["LogicalResourceId"],
                resource_type=resource["ResourceType"],
                replacement=resource.get("Replacement", "False"),
                properties=tuple(dict.fromkeys(_properties(resource))),
            )


def _properties(resource: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of a resource changes: the names of properties, else what the change is of, such as ``Tags``."""
    for detail in resource.get("Details", ()):
        target = detail["Target"]
        yield target.get("Name") or target["Attribute"]


def _last_operation(pages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the events since the last beginning, the newest first; further pages are not asked for."""
    for page in pages:
        for event in page["StackEvents"]:
            yield event
            if _is_of_stack(event) and event["ResourceStatus"] in _BEGINNINGS:
                return


def _is_of_stack(event: Mapping[str, Any]) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _told(events: Iterable[Mapping[str, Any]], reason: str) -> str:
    return "".join(cleaned(f"{event['LogicalResourceId']}: {event.get(reason, 'no reason given')}") for event in events)


def _source(template: Template) -> dict[str, Any]:
    return {"TemplateURL": template.url} if template.url else {"TemplateBody": template.body or ""}


def _tags(described: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def _fresh_token() -> str:
    return f"apono-{uuid.uuid4()}"
