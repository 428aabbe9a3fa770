"""What a call wants to be deployed: template, parameters, tags, capabilities, service role."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.aws.cloudformation.credentials import check_service_role
from sandbox.aws.cloudformation.evaluation import check_evaluates
from sandbox.aws.cloudformation.parameters import parameter_values
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.cloudformation.template import Template, read_template
from sandbox.aws.errors import AwsError, validation_error
from sandbox.aws.state import Call

DEPLOYMENT_PARAMETERS: Final = (
    "Capabilities",
    "DisableValidation",
    "Parameters",
    "RoleARN",
    "StackName",
    "Tags",
    "TemplateBody",
    "TemplateURL",
)
_LARGEST_BODY: Final = 51_200
_LARGEST_OBJECT: Final = 1_000_000


def wanted_deployment(call: Call, stack: Stack) -> Deployment:
    """What a call wants a stack to be; what it leaves out stays as it is.

    Raises:
        AwsError: `ValidationError`, `InsufficientCapabilitiesException` or `NotModelled`.
    """
    previous = stack.deployment
    template = wanted_template(call, previous.template if previous else None)
    check_capabilities(template, call.parameters.get("Capabilities", []))
    given = call.parameters.get("Parameters", [])
    values = parameter_values(template.parameters, given, previous.parameters if previous else {})
    deployment = Deployment(
        template,
        values,
        wanted_tags(call.parameters.get("Tags"), previous.tags if previous else {}),
        tuple(call.parameters.get("Capabilities", [])),
    )
    check_evaluates(stack, deployment)
    _check_types_stay(stack, template)
    return deployment


def wanted_template(call: Call, previous: Template | None = None) -> Template:
    """The template that a call gives, names by URL, or takes over.

    Raises:
        AwsError: `ValidationError` or `NotModelled`.
    """
    sources = [name for name in ("TemplateBody", "TemplateURL") if name in call.parameters]
    if call.parameters.get("UsePreviousTemplate"):
        if sources:
            raise validation_error("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        if previous is None:
            raise validation_error("You cannot specify UsePreviousTemplate for a stack that has no template.")
        return previous
    if len(sources) != 1:
        raise validation_error("Either Template URL or Template Body must be specified.")
    if sources == ["TemplateURL"]:
        return read_template(_fetched(call, call.parameters["TemplateURL"]))
    body = call.parameters["TemplateBody"]
    if len(body.encode()) > _LARGEST_BODY:
        raise validation_error(
            f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: Member must"
            f" have length less than or equal to {_LARGEST_BODY}"
        )
    return read_template(body)


def check_capabilities(template: Template, acknowledged: Collection[str]) -> None:
    """Hold a template against what the caller has acknowledged.

    Raises:
        AwsError: `InsufficientCapabilitiesException`.
    """
    needed = required_capability(template)
    if needed is None or "CAPABILITY_NAMED_IAM" in acknowledged or needed in acknowledged:
        return
    raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def required_capability(template: Template) -> str | None:
    """What a template's resources take: `CAPABILITY_NAMED_IAM`, `CAPABILITY_IAM` or nothing."""
    kinds = {_capability(resource.handler.schema, resource.properties) for resource in template.resources.values()}
    return next((kind for kind in ("CAPABILITY_NAMED_IAM", "CAPABILITY_IAM") if kind in kinds), None)


def take_up_role(call: Call, stack: Stack) -> None:
    """Use the service role that a call gives, else the one the stack has; once it is given, it stays.

    Raises:
        AwsError: `ValidationError` for a role that CloudFormation cannot assume.
    """
    arn = call.parameters.get("RoleARN", stack.role_arn)
    if arn is not None:
        check_service_role(call.state, call.signer, arn)
    stack.role_arn = arn


def wanted_tags(given: Sequence[Mapping[str, str]] | None, previous: Mapping[str, str]) -> Mapping[str, str]:
    """The tags that a call gives, or the previous ones if it gives none.

    Raises:
        AwsError: `ValidationError` for a key that comes twice, or is reserved.
    """
    if given is None:
        return previous
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) != len(given):
        raise validation_error("Tag keys have to be unique.")
    if any(key.startswith("aws:") for key in tags):
        raise validation_error("aws: prefixed tag key names are not allowed for external use.")
    return tags


def _fetched(call: Call, url: str) -> str:
    address = urlsplit(url)
    if address.scheme != "https" or not (address.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise validation_error("TemplateURL must be a supported URL.")
    text = call.state.stacks.templates.get(url)
    if text is None:
        raise validation_error(
            "S3 error: Access Denied For more information check"
            " http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        )
    if len(text.encode()) > _LARGEST_OBJECT:
        raise validation_error(f"Template may not exceed {_LARGEST_OBJECT} bytes in size.")
    return text


def _check_types_stay(stack: Stack, template: Template) -> None:
    changed = [
        name
        for name, resource in stack.resources.items()
        if resource.made and name in template.resources and template.resources[name].type != resource.declaration.type
    ]
    if changed:
        raise validation_error(
            "Update of resource type is not permitted. The new template modifies resource type of the following"
            f" resources: [{', '.join(changed)}]"
        )


def _capability(schema: Any, properties: Mapping[str, Any]) -> str | None:
    if schema.capability == "CAPABILITY_IAM" and schema.name in properties:
        return "CAPABILITY_NAMED_IAM"
    return schema.capability if isinstance(schema.capability, str) else None
