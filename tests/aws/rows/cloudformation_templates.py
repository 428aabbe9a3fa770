"""Templates: their grammar and their functions."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.templates import HANDLE, output, own_role, shown, template, validated
from tests.aws.conformance import Gives, Refused, Row, Subject

GUIDE = "CloudFormation user guide"
ANATOMY = f"{GUIDE}: Template sections"
FUNCTIONS = f"{GUIDE}: Intrinsic function reference"
QUOTAS = f"{GUIDE}: CloudFormation quotas"


YAML = """
Conditions: {Always: !Equals [!Ref "AWS::Region", !Ref "AWS::Region"]}
Resources: {Handle: {Type: AWS::CloudFormation::WaitConditionHandle}}
Outputs: {Shown: {Value: !Join ["-", [!If [Always, 2012-10-17, x], !Select [1, !Split [".", a.b]], !Sub "${!x}"]]}}
"""

GRAMMAR = (
    Row(
        "a template that is no JSON is refused with the place",
        validated('{"Resources": }'),
        Refused("ValidationError", "Template format error: JSON not well-formed. (line 1, column"),
        ANATOMY,
    ),
    Row(
        "a template that is no YAML is refused with the place",
        validated("a: b: c"),
        Refused("ValidationError", "Template format error: YAML not well-formed. (line 1, column"),
        ANATOMY,
    ),
    Row(
        "a template that is a mere text is refused",
        validated("hello"),
        Refused("ValidationError", "Template format error: unsupported structure."),
        ANATOMY,
    ),
    Row(
        "a template without resources is refused",
        validated(template({})),
        Refused("ValidationError", "Template format error: At least one Resources member must be defined."),
        ANATOMY,
    ),
    Row(
        "a section that does not exist is refused",
        validated(template(Resourses={})),
        Refused("ValidationError", "Invalid template property or properties [Resourses]"),
        ANATOMY,
    ),
    Row(
        "another format version is refused",
        validated(template(AWSTemplateFormatVersion="2012-10-17")),
        Refused("ValidationError", "2012-10-17 is not a supported value for AWSTemplateFormatVersion."),
        ANATOMY,
    ),
    Row(
        "a resource without a type is refused",
        validated(template({"Handle": {}})),
        Refused("ValidationError", "[/Resources/Handle] Every Resources object must contain a Type member."),
        f"{GUIDE}: Resources",
    ),
    Row(
        "a resource's name takes letters and digits alone",
        validated(template({"a-b": HANDLE})),
        Refused("ValidationError", "Resource name a-b is non alphanumeric."),
        f"{GUIDE}: Resources",
    ),
    Row(
        "an attribute of a resource that does not exist is refused",
        validated(template({"Handle": {**HANDLE, "Propertys": {}}})),
        Refused("ValidationError", "Invalid template resource property 'Propertys'"),
        f"{GUIDE}: Resource attributes",
    ),
    Row(
        "a type of resource that does not exist is refused by name",
        validated(template({"Thing": {"Type": "AWS::Bogus::Thing"}})),
        Refused("ValidationError", "Template format error: Unrecognized resource types: [AWS::Bogus::Thing]"),
        f"{GUIDE}: AWS resource and property types reference",
    ),
    Row(
        "a reference to nothing among the resources is refused",
        validated(template({"Role": own_role({"Ref": "Nothing"})})),
        Refused("ValidationError", "Unresolved resource dependencies [Nothing] in the Resources block"),
        f"{FUNCTIONS}: Ref",
    ),
    Row(
        "a reference to nothing among the outputs is refused",
        validated(output({"Fn::Sub": "${Nothing}"})),
        Refused("ValidationError", "Unresolved resource dependencies [Nothing] in the Outputs block"),
        f"{FUNCTIONS}: Fn::Sub",
    ),
    Row(
        "an attribute that a type does not have is refused",
        validated(template({"Role": own_role()}, Outputs={"Shown": {"Value": {"Fn::GetAtt": ["Role", "Size"]}}})),
        Refused("ValidationError", "resource Role does not support attribute type Size in Fn::GetAtt"),
        f"{FUNCTIONS}: Fn::GetAtt",
    ),
    Row(
        "resources that need each other are refused",
        validated(template({"A": {**HANDLE, "DependsOn": "B"}, "B": {**HANDLE, "DependsOn": "A"}})),
        Refused("ValidationError", "Circular dependency between resources: [A, B]"),
        f"{GUIDE}: DependsOn attribute",
    ),
    Row(
        "a condition that does not exist is refused",
        validated(template({"Handle": {**HANDLE, "Condition": "Never"}})),
        Refused("ValidationError", "Unresolved condition dependency Never in the Resources block"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "a snapshot of a role is refused",
        validated(template({"Role": {**own_role(), "DeletionPolicy": "Snapshot"}})),
        Refused("ValidationError", "does not support deletion policy Snapshot"),
        f"{GUIDE}: DeletionPolicy attribute",
    ),
    Row(
        "YAML aliases are refused",
        validated("Metadata: {A: &a b, B: *a}\nResources: {H: {Type: AWS::CloudFormation::WaitConditionHandle}}"),
        Refused("ValidationError", "YAML aliases are not allowed in CloudFormation templates"),
        f"{GUIDE}: CloudFormation template formats",
    ),
    Row(
        "a template without a body nor a URL is refused",
        lambda s: s.cfn.validate_template(),
        Refused("ValidationError", "Either Template URL or Template Body must be specified."),
        "CloudFormation API reference: ValidateTemplate",
    ),
    Row(
        "a body of 51,200 bytes is accepted",
        lambda s: s.cfn.validate_template(TemplateBody=sized(51_200)),
        Gives(),
        QUOTAS,
    ),
    Row(
        "a body of 51,201 bytes is refused",
        lambda s: s.cfn.validate_template(TemplateBody=sized(51_201)),
        Refused("ValidationError", "Member must have length less than or equal to 51200"),
        QUOTAS,
    ),
    Row(
        "a URL that is not one of S3 is refused",
        lambda s: s.cfn.validate_template(TemplateURL="https://example.com/template.yaml"),
        Refused("ValidationError", "TemplateURL must be a supported URL."),
        "CloudFormation API reference: ValidateTemplate",
    ),
    Row(
        "a URL of S3 where nothing lies is refused",
        lambda s: s.cfn.validate_template(TemplateURL=f"https://s3.amazonaws.com/{s.prefix}nothing/template.yaml"),
        Refused("ValidationError", "S3 error: Access Denied"),
        "S3 API reference: GetObject, without the permission to list",
    ),
)

EVALUATION = (
    Row(
        "YAML has short forms of functions, and reads a version as text",
        lambda s: s.stack(YAML),
        Gives("2012-10-17-b-${x}", shown),
        f"{GUIDE}: CloudFormation template formats",
    ),
    Row(
        "pseudo parameters tell of the stack",
        lambda s: s.stack(
            output({"Fn::Sub": "${AWS::StackName} ${AWS::AccountId} ${AWS::Partition} ${AWS::URLSuffix}"})
        ),
        Gives(lambda s: f"{s.name('stack')} {s.account_id} {s.partition} amazonaws.com", shown),
        f"{GUIDE}: Pseudo parameters reference",
    ),
    Row(
        "a variable of a substitution comes before a parameter of that name",
        lambda s: s.stack(output({"Fn::Sub": ["${A}-${B}", {"A": "x", "B": {"Ref": "AWS::StackName"}}]})),
        Gives(lambda s: f"x-{s.name('stack')}", shown),
        f"{FUNCTIONS}: Fn::Sub",
    ),
    Row(
        "a resource whose condition does not hold is not made",
        lambda s: s.stack(
            template(
                {"Handle": HANDLE, "Other": {**HANDLE, "Condition": "Never"}},
                Conditions={"Never": {"Fn::Not": [{"Fn::Equals": ["a", "a"]}]}},
            )
        ),
        Gives(["Handle"], lambda s, _: [found["LogicalResourceId"] for found in resources(s)]),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "conditions can be put together",
        lambda s: s.stack(
            output(
                {"Fn::If": ["Both", "yes", "no"]},
                Conditions={
                    "One": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "a"]}]},
                    "Both": {"Fn::And": [{"Condition": "One"}, {"Fn::Equals": ["b", "b"]}]},
                },
            )
        ),
        Gives("yes", shown),
        f"{FUNCTIONS}: Condition functions",
    ),
    Row(
        "AWS::NoValue removes a property",
        lambda s: s.stack(template({"Role": own_role(s.name(), Path={"Ref": "AWS::NoValue"})})),
        Gives("/", lambda s, _: s.iam.get_role(RoleName=s.name())["Role"]["Path"]),
        f"{GUIDE}: Pseudo parameters reference",
    ),
    Row(
        "a reference to a resource that is not made is refused",
        lambda s: s.create_stack(
            template(
                {"Handle": HANDLE, "Other": {**HANDLE, "Condition": "Never"}},
                Conditions={"Never": {"Fn::Equals": ["a", "b"]}},
                Outputs={"Shown": {"Value": {"Ref": "Other"}}},
            )
        ),
        Refused("ValidationError", "Unresolved resource dependencies [Other] in the Outputs block"),
        f"{GUIDE}: Conditions",
    ),
)


def resources(subject: Subject) -> Any:
    return subject.cfn.list_stack_resources(StackName=subject.name("stack"))["StackResourceSummaries"]


def sized(size: int) -> str:
    bare = template(Description="")
    return template(Description="") + " " * (size - len(bare))


ROWS = (*GRAMMAR, *EVALUATION)
