"""What a template comes to when it is deployed: read, its parameters checked, its functions applied, as AWS does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws.cloudformation.functions import Scope
from sandbox.aws.cloudformation.parameters import parameter_values
from sandbox.aws.cloudformation.references import Reference
from sandbox.aws.cloudformation.template import read_template
from sandbox.aws.policy.documents import as_list
from sandbox.aws.policy.evaluation import Grant
from sandbox.aws.policy.statements import Request
from sandbox.aws.sts.trust import granted

ACCOUNT = "123456789012"
_NAMES = {"AWS::IAM::Role": ("role", "RoleName"), "AWS::IAM::ManagedPolicy": ("policy", "ManagedPolicyName")}

Document = dict[str, Any]


@dataclass(frozen=True)
class Deployment:
    """The resources that a template makes, by logical id, and its outputs."""

    resources: Mapping[str, Document]
    outputs: Mapping[str, str]

    def policy(self, role: str, name: str) -> Document:
        """Return an inline policy of a role."""
        (found,) = (one for one in self.resources[role]["Policies"] if one["PolicyName"] == name)
        document: Document = found["PolicyDocument"]
        return document

    def trust(self, role: str) -> Document:
        """Return the trust policy of a role."""
        document = self.resources[role]["AssumeRolePolicyDocument"]
        parsed: Document = json.loads(document) if isinstance(document, str) else document
        return parsed

    def managed_policy(self, logical_id: str) -> Document:
        """Return the document of a managed policy."""
        document: Document = self.resources[logical_id]["PolicyDocument"]
        return document


def deployed(text: str, parameters: Mapping[str, str], *, partition: str = "aws") -> Deployment:
    """Return what *text* makes in `ACCOUNT` with *parameters*.

    Raises:
        AwsError: the template or a parameter is refused.
    """
    template = read_template(text)
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    values = parameter_values(template.parameters, given, {})
    pseudo = {
        "AWS::Partition": partition,
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": "eu-west-1",
        "AWS::StackName": "apono-a",
    }
    typed = {name: template.parameters[name].typed(value) for name, value in values.items()}

    def arn_or_name(reference: Reference) -> str:
        resource = template.resources[reference.name]
        kind, key = _NAMES[resource.type]
        name = str(scope.evaluate(resource.properties[key]))
        arn = f"arn:{partition}:iam::{ACCOUNT}:{kind}/{name}"
        return arn if reference.attribute or kind == "policy" else name

    scope = Scope({**typed, **pseudo}, template.conditions, arn_or_name)
    made = {name: one for name, one in template.resources.items() if scope.holds(one.condition)}
    return Deployment(
        {name: scope.evaluate(one.properties) for name, one in made.items()},
        {name: str(scope.evaluate(one.value)) for name, one in template.outputs.items() if scope.holds(one.condition)},
    )


def lets_in(trust: Document, action: str, account: str, context: Mapping[str, str]) -> bool:
    """Tell whether *trust* lets a principal of *account* make *action*, the keys of its request being *context*."""
    grant = granted(json.dumps(trust), Request(action, context=context), lambda one: _closeness(one, account))
    return grant > Grant.NOTHING


def _closeness(principal: Mapping[str, Any], account: str) -> Grant:
    named = any(one.endswith(f"::{account}:root") for one in as_list(principal.get("AWS", [])))
    return Grant.ACCOUNT if named else Grant.NOTHING
