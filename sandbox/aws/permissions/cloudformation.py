"""Permissions of CloudFormation.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS CloudFormation";
CloudFormation User Guide, "CloudFormation service role" (whoever names a role must be allowed to pass it) and "Control
CloudFormation access with AWS Identity and Access Management"; AWS re:Post Knowledge Center, "How do I resolve the S3
Access Denied error in CloudFormation" (whoever names a template's URL must be allowed to read it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sandbox.aws.cloudformation.api.lookup import find_stack, home_of
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.cloudformation.stack_sets.stack_set import StackSet
from sandbox.aws.errors import validation_error
from sandbox.aws.permissions.permission import Permission, Permissions, needing, request_tags, resource_tags
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call

_WITHOUT_RESOURCES: Final = (
    "ActivateOrganizationsAccess",
    "DeactivateOrganizationsAccess",
    "DescribeOrganizationsAccess",
    "DescribeStackDriftDetectionStatus",
    "ListStackSets",
    "ListStacks",
)
_OF_STACKS: Final = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResourceDrifts",
    "DescribeStackResources",
    "DescribeStacks",
    "DetectStackDrift",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListStackResources",
    "RollbackStack",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
)
_OF_STACK_SETS: Final = (
    "CreateStackInstances",
    "CreateStackSet",
    "DeleteStackInstances",
    "DeleteStackSet",
    "DescribeStackInstance",
    "DescribeStackSet",
    "DescribeStackSetOperation",
    "ListStackInstances",
    "ListStackSetAutoDeploymentTargets",
    "ListStackSetOperationResults",
    "ListStackSetOperations",
    "StopStackSetOperation",
    "UpdateStackInstances",
    "UpdateStackSet",
)
_LAYING: Final = {"CreateStackInstances", "DeleteStackInstances", "UpdateStackInstances", "UpdateStackSet"}
_KEYS: Final = {"RoleARN": "cloudformation:RoleArn", "TemplateURL": "cloudformation:TemplateUrl"}
_KEYS_OF_STACK_SETS: Final = {
    "AdministrationRoleARN": "cloudformation:RoleArn",
    "Regions": "cloudformation:TargetRegion",
    "TemplateURL": "cloudformation:TemplateUrl",
}
_UNREADABLE: Final = (
    "S3 error: Access Denied For more information check"
    " http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)


def _keys(call: Call, known: Mapping[str, str]) -> dict[str, Any]:
    return {key: call.parameters[name] for name, key in known.items() if name in call.parameters}


def _of_stack(call: Call) -> Iterator[Permission]:
    stack, arn = _stack(call)
    context = {**_keys(call, _KEYS), **request_tags(call.parameters.get("Tags", ()))}
    if "ChangeSet" in call.operation and "ChangeSetName" in call.parameters:
        context["cloudformation:ChangeSetName"] = call.parameters["ChangeSetName"]
    context |= resource_tags(dict(stack.told.tags) if stack and stack.deployment else {})
    yield Permission(Request(f"cloudformation:{call.operation}", arn, context))
    yield from _beside(call, arn)


def _stack(call: Call) -> tuple[Stack | None, str]:
    """The stack that a call names, or whose change set, if there is one, and its ARN."""
    name, change_set = call.parameters.get("StackName"), call.parameters.get("ChangeSetName", "")
    by_arn = change_set.startswith("arn:")
    found = call.state.stacks.find_change_set(home_of(call), change_set) if by_arn else None
    stack = found.stack if found else find_stack(call, name) if name else None
    if stack is not None:
        return stack, stack.stack_id
    if name is None:
        return None, "*"
    return None, name if name.startswith("arn:") else home_of(call).arn(f"stack/{name}/*")


def _beside(call: Call, arn: str) -> Iterator[Permission]:
    """What a call needs beside its own action: to tag, to pass a role, to read a template."""
    tags = request_tags(call.parameters.get("Tags", ()))
    if tags:
        created = {"cloudformation:CreateAction": call.operation}
        yield Permission(Request("cloudformation:TagResource", arn, {**tags, **created}))
    if "RoleARN" in call.parameters:
        passed = {"iam:PassedToService": "cloudformation.amazonaws.com"}
        yield Permission(Request("iam:PassRole", call.parameters["RoleARN"], passed))
    if "TemplateURL" in call.parameters:
        yield _reading(call, call.parameters["TemplateURL"])


def _reading(call: Call, url: str) -> Permission:
    address = urlsplit(url)
    host, path = address.hostname or "", address.path.lstrip("/")
    bucket, virtual, _ = host.partition(".s3")
    resource = f"{bucket}/{path}" if virtual else path
    action = "s3:GetObjectVersion" if "versionId" in parse_qs(address.query) else "s3:GetObject"
    request = Request(action, f"arn:{call.signer.partition}:s3:::{resource}")
    return Permission(request, refusal=validation_error(_UNREADABLE))


def _of_events(call: Call) -> Iterator[Permission]:
    change_set = call.parameters.get("ChangeSetName", "")
    arn = change_set if change_set.startswith("arn:") else _stack(call)[1]
    yield Permission(Request("cloudformation:DescribeEvents", arn))


def _of_stack_set(call: Call) -> Iterator[Permission]:
    name = call.parameters["StackSetName"]
    own = home_of(call).arn(f"stackset/{name if ':' in name else f'{name}:*'}")
    arn = "*" if call.operation == "CreateStackSet" else own
    context = {**_keys(call, _KEYS_OF_STACK_SETS), **request_tags(call.parameters.get("Tags", ()))}
    stack_set = call.state.stacks.find_stack_set(home_of(call), name)
    for resource in (arn, *(_laid(call, stack_set) if stack_set and call.operation in _LAYING else ())):
        yield Permission(Request(f"cloudformation:{call.operation}", resource, context))
    yield from _beside(call, arn)
    if stack_set and call.operation == "UpdateStackSet":
        yield from _untagging(call, stack_set, arn)


def _laid(call: Call, stack_set: StackSet) -> Iterator[str]:
    """Where stacks are laid, and of which types their resources are."""
    targets = call.parameters.get("DeploymentTargets", {}).get("OrganizationalUnitIds", stack_set.targets)
    yield from (home_of(call).arn(f"stackset-target/{stack_set.id}/{unit_id}") for unit_id in targets)
    types = {resource.type.replace("::", "-") for resource in stack_set.deployment.template.resources.values()}
    beginning = f"arn:{call.signer.partition}:cloudformation:{call.region}::type/resource/"
    yield from (f"{beginning}{one}" for one in sorted(types))


def _untagging(call: Call, stack_set: StackSet, arn: str) -> Iterator[Permission]:
    """Who leaves tags out that the set has takes them off. Source: API reference, `UpdateStackSet`, `Tags`."""
    kept = {tag["Key"] for tag in call.parameters.get("Tags", ())}
    if "Tags" in call.parameters and stack_set.deployment.tags.keys() - kept:
        keys = tuple(sorted(stack_set.deployment.tags.keys() - kept))
        yield Permission(Request("cloudformation:UntagResource", arn, {"aws:TagKeys": keys}))


PERMISSIONS: Final[Mapping[str, Permissions]] = {
    **{name: needing(f"cloudformation:{name}") for name in _WITHOUT_RESOURCES},
    **dict.fromkeys(_OF_STACKS, _of_stack),
    **dict.fromkeys(_OF_STACK_SETS, _of_stack_set),
    "DescribeEvents": _of_events,
}
"""By operation."""
