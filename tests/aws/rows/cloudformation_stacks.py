"""Stacks made and described, and the roles they act by."""

from __future__ import annotations

from tests.aws.cloudformation.stacks import (
    events,
    failed,
    failures,
    id_in,
    own_tags,
    physical_id,
    role_template,
    seen_role,
    service_role,
    shown_event,
    shown_resource,
    status,
    with_role,
)
from tests.aws.cloudformation.templates import inline, own_role, template
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
STATUSES = f"{GUIDE}: Stack status codes"
SERVICE_ROLE = f"{GUIDE}: CloudFormation service role"
ROLE_TYPE = f"{GUIDE}: AWS::IAM::Role"

CREATING = (
    Row(
        "a stack makes its resources and tells its outputs",
        with_role,
        Gives(
            lambda s: ("CREATE_COMPLETE", [{"OutputKey": "Arn", "OutputValue": s.arn(f"role/{s.name()}")}]),
            lambda _, stack: (stack["StackStatus"], stack["Outputs"]),
        ),
        STATUSES,
    ),
    Row(
        "a role has all that its template says",
        lambda s: with_role(
            s,
            Description="said",
            MaxSessionDuration=7200,
            Path="/a/",
            PermissionsBoundary=s.aws_policy("PowerUserAccess"),
            ManagedPolicyArns=[s.aws_policy("ReadOnlyAccess")],
            Policies=[inline()],
            Tags=[{"Key": "a", "Value": "b"}],
        ),
        Gives(
            lambda s: (
                "said",
                7200,
                "/a/",
                s.aws_policy("PowerUserAccess"),
                {"a": "b"},
                ["ReadOnlyAccess"],
                ["inline"],
            ),
            lambda s, _: seen_role(s),
        ),
        ROLE_TYPE,
    ),
    Row(
        "the tags of a stack are put on its roles",
        lambda s: s.stack(role_template(s), Tags=[{"Key": "team", "Value": "a"}]),
        Gives("a", lambda s, _: own_tags(s).get("team")),
        f"{API}: CreateStack",
    ),
    Row(
        "a role without a name is named after its stack and itself",
        lambda s: s.stack(template({"Role": own_role()})),
        Gives(expected=True, read=lambda s, _: physical_id(s, "Role").startswith(f"{s.name('stack')[:24]}")),
        f"{GUIDE}: Name type",
    ),
    Row(
        "a second stack of the same name is refused",
        lambda s: s.create_stack(template()),
        Refused("AlreadyExistsException", "already exists"),
        f"{API}: CreateStack",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "a stack's name begins with a letter",
        lambda s: s.create_stack(template(), StackName="1stack"),
        Refused("ValidationError", "at 'stackName' failed to satisfy constraint"),
        f"{API}: CreateStack",
    ),
    Row(
        "a request repeated with its token makes no second stack",
        lambda s: s.create_stack(template(), ClientRequestToken="token"),
        Gives(expected=True, read=id_in),
        f"{API}: CreateStack",
        given=lambda s: s.stack(template(), ClientRequestToken="token"),
    ),
    Row(
        "a token that came with another request is refused",
        lambda s: s.update_stack(role_template(s), ClientRequestToken="token"),
        Refused("TokenAlreadyExistsException"),
        f"{API}: UpdateStack",
        given=lambda s: s.stack(template(), ClientRequestToken="token"),
    ),
    Row(
        "all events of an operation bear its token",
        lambda s: s.stack(template(), ClientRequestToken="token"),
        Gives({"token"}, lambda s, _: {event["ClientRequestToken"] for event in events(s)}),
        f"{API}: CreateStack",
    ),
    Row(
        "the events of a creation come in this order, the newest first",
        lambda s: s.stack(template()),
        Gives(
            [
                ("stack", "CREATE_COMPLETE", ""),
                ("Handle", "CREATE_COMPLETE", ""),
                ("Handle", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
                ("Handle", "CREATE_IN_PROGRESS", ""),
                ("stack", "CREATE_IN_PROGRESS", "User Initiated"),
            ],
            lambda s, _: [shown_event(s, event) for event in events(s)],
        ),
        f"{GUIDE}: Understand CloudFormation stack creation events",
    ),
    Row(
        "OnFailure and DisableRollback exclude each other",
        lambda s: s.create_stack(template(), OnFailure="DELETE", DisableRollback=True),
        Refused("ValidationError"),
        f"{API}: CreateStack",
    ),
    Row(
        "a tag's key may not begin with aws:",
        lambda s: s.create_stack(template(), Tags=[{"Key": "aws:x", "Value": "y"}]),
        Refused("ValidationError", "aws:"),
        f"{API}: Tag",
    ),
    Row(
        "a tag's value may not be empty",
        lambda s: s.create_stack(template(), Tags=[{"Key": "x", "Value": ""}]),
        Refused("ValidationError", "Member must have length greater than or equal to 1"),
        "CloudFormation service model: TagValue",
    ),
)

DESCRIBING = (
    Row(
        "a stack that does not exist is no entity of its own but a validation error",
        lambda s: s.cfn.describe_stacks(StackName=s.name("missing")),
        Refused("ValidationError", "does not exist"),
        f"{API}: DescribeStacks",
    ),
    Row(
        "events of a stack that does not exist are refused",
        lambda s: s.cfn.describe_stack_events(StackName=s.name("missing")),
        Refused("ValidationError", "does not exist"),
        f"{API}: DescribeStackEvents",
    ),
    Row(
        "a deleted stack is found by its id",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        f"{API}: DescribeStacks",
        given=with_role,
    ),
    Row(
        "a deleted stack is not found by its name",
        lambda s: s.cfn.describe_stacks(StackName=s.name("stack")),
        Refused("ValidationError", "does not exist"),
        f"{API}: DescribeStacks",
        given=lambda s: (with_role(s), s.delete_stack()),
    ),
    Row(
        "resources are described with what they are called",
        with_role,
        Gives(
            lambda s: ("Role", s.name(), "AWS::IAM::Role", "CREATE_COMPLETE"),
            lambda s, _: shown_resource(s.cfn.describe_stack_resources(StackName=s.name("stack"))["StackResources"][0]),
        ),
        f"{API}: DescribeStackResources",
    ),
    Row(
        "resources are described by one of them, too",
        with_role,
        Gives(
            lambda s: s.name("stack"),
            lambda s, _: s.cfn.describe_stack_resources(PhysicalResourceId=s.name())["StackResources"][0]["StackName"],
        ),
        f"{API}: DescribeStackResources",
    ),
    Row(
        "resources are described by stack or by resource, not by both",
        lambda s: s.cfn.describe_stack_resources(StackName=s.name("stack"), PhysicalResourceId="x"),
        Refused("ValidationError"),
        f"{API}: DescribeStackResources",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "events by operation take one of three names",
        lambda s: s.cfn.describe_events(),
        Refused("ValidationError", "One of ChangeSetName, OperationId or StackName must be specified"),
        f"{API}: DescribeEvents",
    ),
    Row(
        "events by operation are those of one operation",
        lambda s: s.cfn.describe_events(OperationId=s.stack(template())["LastOperations"][0]["OperationId"]),
        Gives({"CREATE_STACK"}, lambda _, answer: {event["OperationType"] for event in answer["OperationEvents"]}),
        f"{API}: DescribeEvents",
    ),
    Row(
        "the resources of a stack that none has are not described",
        lambda s: s.cfn.describe_stack_resources(PhysicalResourceId=s.name("missing")),
        Refused("ValidationError", "does not exist"),
        f"{API}: DescribeStackResources",
    ),
    Row(
        "events by operation tell what could not be made",
        lambda s: failed(s, OnFailure="DO_NOTHING", DisableValidation=True),
        Gives(
            [("Bad", "PROVISIONING_ERROR", "CREATE_STACK")],
            lambda s, stack: [
                (event["LogicalResourceId"], event["EventType"], event["OperationType"]) for event in failures(s, stack)
            ],
        ),
        f"{API}: DescribeEvents",
    ),
)

ROLES = (
    Row(
        "a stack acts by its service role",
        lambda s: s.stack(role_template(s), RoleARN=service_role(s)),
        Gives(
            lambda s: ("CREATE_COMPLETE", s.arn(f"role/{s.name('service')}")),
            lambda _, stack: (stack["StackStatus"], stack["RoleARN"]),
        ),
        SERVICE_ROLE,
    ),
    Row(
        "a service role stays once it is given",
        lambda s: s.update_stack(role_template(s, Description="new")),
        Gives(lambda s: s.arn(f"role/{s.name('service')}"), lambda _, stack: stack["RoleARN"]),
        SERVICE_ROLE,
        given=lambda s: s.stack(role_template(s), RoleARN=service_role(s)),
    ),
    Row(
        "a service role that does not exist is refused",
        lambda s: s.create_stack(template(), RoleARN=s.arn(f"role/{s.name('missing')}")),
        Refused("ValidationError", "is invalid or cannot be assumed"),
        SERVICE_ROLE,
    ),
    Row(
        "a service role that does not trust CloudFormation is refused",
        lambda s: s.create_stack(template(), RoleARN=service_role(s, "ecs-tasks.amazonaws.com")),
        Refused("ValidationError", "is invalid or cannot be assumed"),
        SERVICE_ROLE,
    ),
    Row(
        "a service role's name instead of its ARN is refused",
        lambda s: s.create_stack(template(), RoleARN=s.name("service").ljust(20, "x")),
        Refused("ValidationError", "is not a valid RoleARN"),
        f"{API}: CreateStack",
    ),
    Row(
        "a service role of another account is refused",
        lambda s: s.create_stack(template(), RoleARN="arn:aws:iam::999999999999:role/service"),
        Refused("ValidationError", "Cross-account pass role is not allowed."),
        "IAM user guide: Grant a user permissions to pass a role to an AWS service",
    ),
    Row(
        "without its service role a stack cannot be deleted",
        lambda s: s.delete_stack(),
        Refused("ValidationError", "is invalid or cannot be assumed"),
        SERVICE_ROLE,
        given=lambda s: (
            s.stack(template(), RoleARN=service_role(s)),
            s.iam.delete_role_policy(RoleName=s.name("service"), PolicyName="inline"),
            s.iam.delete_role(RoleName=s.name("service")),
        ),
    ),
)

ROWS = (*CREATING, *DESCRIBING, *ROLES)
