"""Templates, as tests need them."""

from __future__ import annotations

import json
from typing import Any

from tests.aws.identities import allowing

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
NOBODY = "arn:aws:iam::999999999999:role/nobody"
NAMED = ["CAPABILITY_NAMED_IAM"]


def template(resources: dict[str, Any] | None = None, **sections: Any) -> str:
    """A template of these resources, by default a handle that does nothing."""
    return json.dumps({**sections, "Resources": resources if resources is not None else {"Handle": HANDLE}})


def role(principal: Any, name: Any = None, **properties: Any) -> dict[str, Any]:
    """A role that trusts an AWS principal."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    named = {} if name is None else {"RoleName": name}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, **named, **properties}}


def own_role(name: Any = None, **properties: Any) -> dict[str, Any]:
    """A role that trusts the stack's own account."""
    return role({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}, name, **properties)


def failing_role(name: Any = None, **properties: Any) -> dict[str, Any]:
    """A role that cannot be made: it trusts nobody who exists."""
    return role(NOBODY, name, **properties)


def inline(name: str = "inline", action: str = "s3:GetObject") -> dict[str, Any]:
    """An inline policy of a role."""
    return {"PolicyName": name, "PolicyDocument": json.loads(allowing(action))}


def given(**values: str) -> list[dict[str, str]]:
    """Values of parameters."""
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def output(value: Any, **sections: Any) -> str:
    """A template whose one output shows a value."""
    return template(Outputs={"Shown": {"Value": value}}, **sections)


def shown(_subject: Any, stack: Any) -> Any:
    """The value of the one output."""
    return stack["Outputs"][0]["OutputValue"]


def validated(text: str) -> Any:
    """The act of having a template validated."""
    return lambda subject: subject.cfn.validate_template(TemplateBody=text)
