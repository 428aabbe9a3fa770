"""`AWS::CloudFormation::StackSet`, made by calls to CloudFormation with the stack's own credentials.

Source: schema and handlers of the resource, in aws-cloudformation-resource-providers-cloudformation on GitHub.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NoReturn

from sandbox.aws.cloudformation.resources.handler import (
    Made,
    Making,
    Place,
    Removing,
    ResourceHandler,
    ServiceCall,
    fail,
)
from sandbox.aws.cloudformation.resources.schema import Properties, Schema
from sandbox.aws.cloudformation.resources.stack_set_operation import operated
from sandbox.aws.cloudformation.resources.stack_set_properties import (
    Overrides,
    Target,
    configuration,
    flags,
    grouped,
    instances_of,
    preferences,
    seen_properties,
)
from sandbox.aws.errors import AwsError, validation_error

_TYPE: Final = "AWS::CloudFormation::StackSet"


class StackSetResource(ResourceHandler):
    """A stack set with service-managed permissions, and its instances."""

    type: ClassVar = _TYPE
    schema: ClassVar = Schema(
        properties={
            "AutoDeployment": "AutoDeployment",
            "CallAs": "String",
            "Capabilities": "Array of String",
            "Description": "String",
            "ManagedExecution": "ManagedExecution",
            "OperationPreferences": "OperationPreferences",
            "Parameters": "Array of Parameter",
            "PermissionModel": "String",
            "StackInstancesGroup": "Array of StackInstances",
            "StackSetName": "String",
            "Tags": "Array of Tag",
            "TemplateBody": "String",
            "TemplateURL": "String",
        },
        required=frozenset({"PermissionModel", "StackSetName"}),
        create_only=frozenset({"PermissionModel", "StackSetName"}),
        unmodelled=frozenset({"AdministrationRoleARN", "ExecutionRoleName"}),
        attributes=frozenset({"StackSetId"}),
        name="StackSetName",
        identifiers=("StackSetId",),
    )

    def creating(self, call: ServiceCall, properties: Properties, place: Place) -> Making:
        """Make the stack set, then its instances."""
        del place
        made = None
        try:
            instances = instances_of(properties)
            _check_template(call, properties)
            made = _created(call, properties)
            yield from _each(call, made, "CreateStackInstances", instances, preferences(properties))
        except AwsError as error:
            _fail(error, str(properties["StackSetName"]), made)
        return made

    def updating(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Making:
        """Take instances away, change the stack set, make further instances, change others, in this order."""
        del place
        old, new = change
        wishes = preferences(new)
        try:
            before, after = instances_of(old), instances_of(new)
            _check_template(call, new)
            _check_exists(call, made.physical_id)
            if old.get("ManagedExecution") != new.get("ManagedExecution"):
                yield from operated(call, made, "UpdateStackSet", **_execution(new))
            gone = {target: () for target in before if target not in after}
            yield from _each(call, made, "DeleteStackInstances", gone, {**wishes, "RetainStacks": False})
            if configuration(old) != configuration(new):
                yield from operated(call, made, "UpdateStackSet", **configuration(new), **wishes)
            added = {target: given for target, given in after.items() if target not in before}
            yield from _each(call, made, "CreateStackInstances", added, wishes)
            changed = {target: given for target, given in after.items() if before.get(target, given) != given}
            yield from _each(call, made, "UpdateStackInstances", changed, {"ParameterOverrides": [], **wishes})
        except AwsError as error:
            _fail(error, made.physical_id)
        return made

    def deleting(self, call: ServiceCall, physical_id: str, properties: Properties) -> Removing:
        """Delete the instances, then the stack set."""
        try:
            if _described(call, physical_id) is None:
                return
            doomed, wishes = dict.fromkeys(instances_of(properties), ()), preferences(properties)
            more = {**wishes, "RetainStacks": False}
            for _ in _each(call, _made(physical_id), "DeleteStackInstances", doomed, more):
                yield
            call("cloudformation", "DeleteStackSet", StackSetName=physical_id)
        except AwsError as error:
            _fail(error, physical_id)

    def read(self, call: ServiceCall, physical_id: str, properties: Properties) -> Properties | None:
        """What the stack set is told to be; neither its instances nor its template's URL can be read."""
        try:
            found = _described(call, physical_id)
        except AwsError as error:
            _fail(error, physical_id)
        return None if found is None else seen_properties(found, properties)


def _made(stack_set_id: str) -> Made:
    return Made(stack_set_id, {"StackSetId": stack_set_id})


def _created(call: ServiceCall, properties: Properties) -> Made:
    given = {
        "StackSetName": str(properties["StackSetName"]),
        "PermissionModel": str(properties["PermissionModel"]),
        "ClientRequestToken": str(uuid.uuid4()),
        **configuration(properties),
    }
    if "ManagedExecution" in properties:
        given["ManagedExecution"] = flags(properties["ManagedExecution"])
    return _made(call("cloudformation", "CreateStackSet", **given)["StackSetId"])


def _execution(properties: Properties) -> dict[str, Any]:
    return {
        "ManagedExecution": flags(properties.get("ManagedExecution", {"Active": False})),
        "Capabilities": [str(one) for one in properties.get("Capabilities", [])],
        "UsePreviousTemplate": True,
    }


def _each(
    call: ServiceCall, made: Made, operation: str, instances: Mapping[Target, Overrides], more: Mapping[str, Any]
) -> Making:
    """Carry out an operation for each group of instances, one after the other."""
    for group in grouped(instances):
        yield from operated(call, made, operation, **{**more, **group})
    return made


def _described(call: ServiceCall, stack_set_id: str) -> Mapping[str, Any] | None:
    """The stack set, unless it is gone: one that is deleted can still be read by its id."""
    try:
        found: Mapping[str, Any] = call("cloudformation", "DescribeStackSet", StackSetName=stack_set_id)["StackSet"]
    except AwsError as error:
        if error.code == "StackSetNotFoundException":
            return None
        raise
    return found if found["Status"] == "ACTIVE" else None


def _check_exists(call: ServiceCall, stack_set_id: str) -> None:
    if _described(call, stack_set_id) is None:
        raise AwsError("StackSetNotFoundException", f"StackSet {stack_set_id} not found")


def _check_template(call: ServiceCall, properties: Properties) -> None:
    source = {name: str(properties[name]) for name in ("TemplateBody", "TemplateURL") if name in properties}
    if _TYPE in call("cloudformation", "GetTemplateSummary", **source)["ResourceTypes"]:
        raise validation_error(f"Nested {_TYPE} is not supported in {_TYPE}")


def _fail(error: AwsError, identifier: str, made: Made | None = None) -> NoReturn:
    physical_id = made.physical_id if made else None
    fail(error, type_name=_TYPE, identifier=identifier, physical_id=physical_id, service="CloudFormation")
