"""What the IAM types of resources have in common: policy documents and tags, put beside what IAM holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from sandbox.aws.cloudformation.resources.handler import ServiceCall
from sandbox.aws.errors import AwsError


def document_text(document: Any) -> str:
    """A policy document of a template as IAM takes it."""
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


def shown_document(text: str, declared: Any) -> Any:
    """A document as IAM shows it, in the form in which the template declares it."""
    document = json.loads(unquote(text))
    return _in_form_of(document, json.loads(declared) if isinstance(declared, str) else declared)


def policies_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Inline policies by name."""
    return {
        str(policy["PolicyName"]): document_text(policy["PolicyDocument"]) for policy in properties.get("Policies", [])
    }


def put_changed_policies(call: ServiceCall, role: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Make a role's inline policies the new ones, where the old ones were."""
    for name, text in new.items():
        if old.get(name) != text:
            call("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=text)
    for name in old:
        if name not in new:
            ignoring_missing(call, "DeleteRolePolicy", RoleName=role, PolicyName=name)


def attach_changed(call: ServiceCall, role: str, old: Sequence[str], new: Sequence[str]) -> None:
    """Attach and detach managed policies, from the old ones to the new ones."""
    for arn in new:
        if arn not in old:
            call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    for arn in old:
        if arn not in new:
            ignoring_missing(call, "DetachRolePolicy", RoleName=role, PolicyArn=arn)


def ignoring_missing(call: ServiceCall, operation: str, **parameters: Any) -> None:
    """Remove something in IAM that may be gone already."""
    try:
        call("iam", operation, **parameters)
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise


def _in_form_of(value: Any, declared: Any) -> Any:
    """A single value may stand alone or in a list; that is no difference."""
    if isinstance(value, dict) and isinstance(declared, dict):
        return {key: _in_form_of(member, declared.get(key)) for key, member in value.items()}
    if isinstance(declared, list) and not isinstance(value, list):
        return [_in_form_of(value, declared[0] if declared else None)]
    if isinstance(value, list) and not isinstance(declared, list) and len(value) == 1:
        return _in_form_of(value[0], declared)
    if isinstance(value, list) and isinstance(declared, list):
        forms = [*declared, *[None] * len(value)]
        return [_in_form_of(item, form) for item, form in zip(value, forms, strict=False)]
    return value
