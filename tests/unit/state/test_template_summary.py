"""A template that is not ours makes only what the administrator lets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.template_summary import TemplateSummary, template_refusal
from apono_operator.v1alpha1 import Reason

ACCOUNT = ManagementAccount.model_validate(
    {
        "accountId": "999988887777",
        "roleArn": "arn:aws:iam::999988887777:role/way-in",
        "externalId": "0123456789abcdef",
        "cloudFormationRoleArn": "arn:aws:iam::999988887777:role/service",
        "region": "eu-west-1",
        "templateUrl": "https://bucket.s3.amazonaws.com/template.yaml",
        "permissionsBoundaries": {},
        "allowedUnits": ["r-1a2b"],
        "namespaces": ["a"],
    }
)
PLAIN = TemplateSummary(
    {"A": True},
    ("CAPABILITY_NAMED_IAM",),
    ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::CloudFormation::StackSet"),
    (),
)


def test_a_template_of_roles_policies_and_stack_sets_is_let_pass() -> None:
    assert template_refusal(PLAIN, ACCOUNT) is None


@pytest.mark.parametrize(
    ("summary", "named"),
    [
        (
            replace(PLAIN, resource_types=("AWS::IAM::Role", "AWS::CloudFormation::Stack")),
            "resources AWS::CloudFormation::Stack",
        ),
        (replace(PLAIN, resource_types=("AWS::IAM::User",)), "resources AWS::IAM::User"),
        (replace(PLAIN, capabilities=("CAPABILITY_AUTO_EXPAND",)), "the capability CAPABILITY_AUTO_EXPAND"),
        (replace(PLAIN, transforms=("AWS::Include",)), "the transform AWS::Include"),
    ],
)
def test_a_template_that_makes_or_asks_for_more_is_refused(summary: TemplateSummary, named: str) -> None:
    refusal = template_refusal(summary, ACCOUNT)

    assert refusal is not None
    assert refusal.reason is Reason.NOT_PERMITTED
    assert f"has {named}, which the administrator of the operator does not allow" in refusal.message


def test_a_template_is_let_make_what_the_administrator_lists() -> None:
    wider = ACCOUNT.model_copy(update={"allowed_resource_types": ("AWS::IAM::Role", "AWS::S3::Bucket")})

    assert template_refusal(replace(PLAIN, resource_types=("AWS::S3::Bucket",)), wider) is None
