"""Where stacks and templates are kept, and how much of them is shown at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.templates import HANDLE, NAMED, own_role, template

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor

URL = "https://apono-templates.s3.amazonaws.com/management.yaml"


def elsewhere(aws: FrontDoor, account: Account, region: str) -> Any:
    return boto3.client(
        "cloudformation",
        region_name=region,
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=account.credentials.access_key_id,
        aws_secret_access_key=account.credentials.secret_access_key,
    )


def test_a_stack_belongs_to_an_account(aws: FrontDoor, driven: Driven) -> None:
    stack = driven.create(template())
    other = aws.create_account().client("cloudformation")
    for name in ("stack", stack):
        with pytest.raises(ClientError, match="does not exist"):
            other.describe_stacks(StackName=name)


def test_a_stack_belongs_to_a_region(aws: FrontDoor, account: Account, driven: Driven) -> None:
    driven.create(template())
    other = elsewhere(aws, account, "eu-west-1")
    with pytest.raises(ClientError, match="does not exist"):
        other.describe_stacks(StackName="stack")
    arn = other.create_stack(StackName="stack", TemplateBody=template())["StackId"]
    assert arn.split(":")[3] == "eu-west-1"
    other.close()


def test_a_template_is_found_by_its_url(aws: FrontDoor, driven: Driven) -> None:
    aws.templates[URL] = template({"Role": own_role("made")})
    driven.cfn.create_stack(StackName="stack", TemplateURL=URL, Capabilities=NAMED)
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_of_a_megabyte_is_found_by_its_url(aws: FrontDoor, driven: Driven) -> None:
    aws.templates[URL] = template().ljust(1_000_000)
    assert driven.cfn.validate_template(TemplateURL=URL)
    aws.templates[URL] += " "
    with pytest.raises(ClientError, match="may not exceed"):
        driven.cfn.validate_template(TemplateURL=URL)


def test_a_stack_keeps_its_template_when_the_url_holds_another(aws: FrontDoor, driven: Driven) -> None:
    aws.templates[URL] = template()
    driven.cfn.create_stack(StackName="stack", TemplateURL=URL)
    aws.templates[URL] = template({"Other": HANDLE})
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"
    assert list(driven.cfn.get_template(StackName="stack")["TemplateBody"]["Resources"]) == ["Handle"]


def test_events_and_resources_come_in_pages(driven: Driven) -> None:
    driven.create(template({f"Handle{number}": HANDLE for number in range(120)}))
    driven.finish()
    resources = driven.cfn.get_paginator("list_stack_resources").paginate(StackName="stack")
    assert [len(page["StackResourceSummaries"]) for page in resources] == [100, 20]
    events = list(driven.cfn.get_paginator("describe_stack_events").paginate(StackName="stack"))
    assert [len(page["StackEvents"]) for page in events] == [100, 100, 100, 62]
    times = [event["Timestamp"] for page in events for event in page["StackEvents"]]
    assert times == sorted(times, reverse=True)


def test_stacks_come_in_pages(driven: Driven) -> None:
    for number in range(101):
        driven.create(template(), f"stack-{number}")
    pages = list(driven.cfn.get_paginator("describe_stacks").paginate())
    assert [len(page["Stacks"]) for page in pages] == [100, 1]


@pytest.mark.parametrize("operation", ["describe_stack_events", "list_stack_resources"])
def test_a_token_that_was_not_handed_out_is_refused(driven: Driven, operation: str) -> None:
    driven.create(template())
    with pytest.raises(ClientError, match="NextToken"):
        getattr(driven.cfn, operation)(StackName="stack", NextToken="elsewhere")


def test_stacks_are_listed_by_status(driven: Driven) -> None:
    driven.create(template(), "one")
    driven.finish("one")
    driven.create(template(), "two")
    found = driven.cfn.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert [stack["StackName"] for stack in found] == ["one"]


def test_a_reset_forgets_stacks_and_templates(aws: FrontDoor, driven: Driven) -> None:
    driven.create(template())
    aws.templates[URL] = template()
    aws.reset()
    assert aws.create_account().client("cloudformation").list_stacks()["StackSummaries"] == []
    assert (dict(aws.templates), aws.stack_step_seconds) == ({}, 0)


def test_a_secret_parameter_is_not_shown_anywhere(aws: FrontDoor, driven: Driven) -> None:
    text = template(Parameters={"Token": {"Type": "String", "NoEcho": True}})
    driven.create(text, Parameters=[{"ParameterKey": "Token", "ParameterValue": "hunter2"}])
    stack = driven.finish()
    assert "hunter2" not in f"{stack}{driven.events()}"
    assert stack["Parameters"] == [{"ParameterKey": "Token", "ParameterValue": "****"}]
    del aws
