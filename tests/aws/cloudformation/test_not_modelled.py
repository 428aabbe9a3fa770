"""What this CloudFormation lacks, it refuses by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.templates import HANDLE, own_role, template

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws import Account

TEMPLATES = {
    "the resource type AWS::SNS::Topic": template({"Topic": {"Type": "AWS::SNS::Topic"}}),
    "the resource type AWS::CloudFormation::Stack": template({"Nested": {"Type": "AWS::CloudFormation::Stack"}}),
    "the property ExecutionRoleName of AWS::CloudFormation::StackSet": template(
        {"Set": {"Type": "AWS::CloudFormation::StackSet", "Properties": {"ExecutionRoleName": "a"}}}
    ),
    "the resource type Custom::Thing": template({"Thing": {"Type": "Custom::Thing"}}),
    "the function Fn::ImportValue": template({"Role": own_role({"Fn::ImportValue": "x"})}),
    "the function Fn::Cidr": template(Outputs={"A": {"Value": {"Fn::Cidr": ["10.0.0.0/8", 1, 8]}}}),
    "the section Mappings": template(Mappings={"A": {"b": {"c": "d"}}}),
    "the section Transform": template(Transform="AWS::Serverless-2016-10-31"),
    "the attribute CreationPolicy": template({"Handle": {**HANDLE, "CreationPolicy": {}}}),
    "an Export of an output": template(Outputs={"A": {"Value": "b", "Export": {"Name": "c"}}}),
    "the parameter type AWS::EC2::VPC::Id": template(Parameters={"A": {"Type": "AWS::EC2::VPC::Id"}}),
    "the property Users of AWS::IAM::Policy": template(
        {"Policy": {"Type": "AWS::IAM::Policy", "Properties": {"Users": ["a"]}}}
    ),
    "a key that a template has twice": "Resources: {A: {Type: x}, A: {Type: y}}",
}

CALLS: dict[str, Callable[[Any], Any]] = {
    "cloudformation:ImportStacksToStackSet": lambda cfn: cfn.import_stacks_to_stack_set(StackSetName="a"),
    "PermissionModel SELF_MANAGED": lambda cfn: cfn.create_stack_set(StackSetName="a", TemplateBody=template()),
    "parameter TimeoutInMinutes of cloudformation:CreateStack": lambda cfn: cfn.create_stack(
        StackName="a", TemplateBody=template(), TimeoutInMinutes=5
    ),
    "parameter NotificationARNs of cloudformation:CreateStack": lambda cfn: cfn.create_stack(
        StackName="a", TemplateBody=template(), NotificationARNs=["arn:aws:sns:us-east-1:123456789012:a"]
    ),
    "parameter StackPolicyBody of cloudformation:CreateStack": lambda cfn: cfn.create_stack(
        StackName="a", TemplateBody=template(), StackPolicyBody="{}"
    ),
    "ChangeSetType IMPORT": lambda cfn: cfn.create_change_set(
        StackName="a", ChangeSetName="b", ChangeSetType="IMPORT", TemplateBody=template()
    ),
    "CallAs DELEGATED_ADMIN": lambda cfn: cfn.describe_organizations_access(CallAs="DELEGATED_ADMIN"),
}


@pytest.mark.parametrize("what", TEMPLATES)
def test_what_a_template_cannot_hold_is_refused_by_name(account: Account, what: str) -> None:
    with pytest.raises(ClientError, match=f"{what}.* is not modelled by this sandbox") as caught:
        account.client("cloudformation").validate_template(TemplateBody=TEMPLATES[what])
    assert caught.value.response["Error"]["Code"] == "NotModelled"


@pytest.mark.parametrize("what", CALLS)
def test_what_a_call_cannot_ask_is_refused_by_name(account: Account, what: str) -> None:
    with pytest.raises(ClientError, match=f"{what}.* is not modelled by this sandbox"):
        CALLS[what](account.client("cloudformation"))
