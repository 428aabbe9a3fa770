"""Parameters of templates, and what templates make the caller acknowledge."""

from __future__ import annotations

import json
from typing import Any

from tests.aws.cloudformation.templates import HANDLE, given, inline, output, own_role, shown, template, validated
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
PARAMETERS = f"{GUIDE}: Parameters"
ACKNOWLEDGING = f"{GUIDE}: Acknowledging IAM resources in CloudFormation templates"


def with_parameter(**declaration: Any) -> str:
    return output({"Ref": "P"}, Parameters={"P": {"Type": "String", **declaration}})


def refused_value(value: str, **declaration: Any) -> Any:
    return lambda s: s.create_stack(with_parameter(**declaration), Parameters=given(P=value))


def summarized(parameter: Any) -> tuple[Any, ...]:
    names = ("ParameterKey", "ParameterType", "DefaultValue")
    return (*(parameter[name] for name in names), parameter["ParameterConstraints"]["AllowedValues"])


VALUES = (
    Row(
        "a parameter has its default",
        lambda s: s.stack(with_parameter(Default="usual")),
        Gives("usual", shown),
        PARAMETERS,
    ),
    Row(
        "a parameter without a value is refused",
        lambda s: s.create_stack(with_parameter()),
        Refused("ValidationError", "Parameters: [P] must have values"),
        PARAMETERS,
    ),
    Row(
        "a parameter that the template does not have is refused",
        lambda s: s.create_stack(with_parameter(), Parameters=given(P="a", Q="b")),
        Refused("ValidationError", "Parameters: [Q] do not exist in the template"),
        PARAMETERS,
    ),
    Row(
        "any parameter for a template without parameters is refused",
        lambda s: s.create_stack(template(), Parameters=given(P="a")),
        Refused("ValidationError", "Parameter values specified for a template which does not require them."),
        PARAMETERS,
    ),
    Row(
        "a value off the pattern is refused",
        refused_value("o-ABC", AllowedPattern="^o-[a-z0-9]{10,32}$"),
        Refused("ValidationError", "Parameter 'P' must match pattern ^o-[a-z0-9]{10,32}$"),
        PARAMETERS,
    ),
    Row(
        "the pattern has to match the whole value",
        refused_value("abc", AllowedPattern="[a-b]+"),
        Refused("ValidationError", "must match pattern"),
        PARAMETERS,
    ),
    Row(
        "a value that is not among the allowed ones is refused",
        refused_value("c", AllowedValues=["a", "b"]),
        Refused("ValidationError", "Parameter 'P' must be one of AllowedValues"),
        PARAMETERS,
    ),
    Row(
        "a value that is too short is refused",
        refused_value("a", MinLength=2),
        Refused("ValidationError", "Parameter 'P' must contain at least 2 characters"),
        PARAMETERS,
    ),
    Row(
        "a value that is too long is refused",
        refused_value("abc", MaxLength="2"),
        Refused("ValidationError", "Parameter 'P' must contain at most 2 characters"),
        PARAMETERS,
    ),
    Row(
        "a number that is none is refused",
        refused_value("abc", Type="Number"),
        Refused("ValidationError", "Parameter 'P' must be a number"),
        PARAMETERS,
    ),
    Row(
        "a number that is too large is refused",
        refused_value("6", Type="Number", MaxValue=5),
        Refused("ValidationError", "Parameter 'P' must be a number not greater than 5"),
        PARAMETERS,
    ),
    Row(
        "the description of a constraint takes the place of its reason",
        refused_value("c", AllowedValues=["a"], ConstraintDescription="must be the letter a"),
        Refused("ValidationError", "must be the letter a"),
        PARAMETERS,
    ),
    Row(
        "a parameter that is not to be echoed is shown as asterisks",
        lambda s: s.stack(template(Parameters={"P": {"Type": "String", "NoEcho": True}}), Parameters=given(P="secret")),
        Gives([{"ParameterKey": "P", "ParameterValue": "****"}], lambda _, stack: stack["Parameters"]),
        PARAMETERS,
    ),
    Row(
        "a comma-delimited list is a list",
        lambda s: s.stack(
            output({"Fn::Select": ["1", {"Ref": "P"}]}, Parameters={"P": {"Type": "CommaDelimitedList"}}),
            Parameters=given(P="a, b"),
        ),
        Gives("b", shown),
        PARAMETERS,
    ),
    Row(
        "a previous value cannot be used when a stack is made",
        lambda s: s.create_stack(with_parameter(), Parameters=[{"ParameterKey": "P", "UsePreviousValue": True}]),
        Refused("ValidationError", "Invalid input for parameter key P. Cannot specify usePreviousValue as true"),
        "CloudFormation API reference: Parameter",
    ),
)

DECLARATIONS = (
    Row(
        "a parameter without a type is refused",
        validated(template(Parameters={"P": {"Default": "a"}})),
        Refused("ValidationError", "Every Parameters object must contain a Type member."),
        PARAMETERS,
    ),
    Row(
        "a type of parameter that does not exist is refused",
        validated(template(Parameters={"P": {"Type": "Text"}})),
        Refused("ValidationError", "Template format error: Unrecognized parameter type: Text"),
        PARAMETERS,
    ),
    Row(
        "a parameter's name takes letters and digits alone",
        validated(template(Parameters={"a-b": {"Type": "String"}})),
        Refused("ValidationError", "Parameter name a-b is non alphanumeric"),
        PARAMETERS,
    ),
    Row(
        "a property of a parameter that does not exist is refused",
        validated(template(Parameters={"P": {"Type": "String", "Pattern": "a"}})),
        Refused("ValidationError", "Invalid template parameter property 'Pattern'"),
        PARAMETERS,
    ),
    Row(
        "a default off its own pattern is refused",
        validated(template(Parameters={"P": {"Type": "String", "Default": "b", "AllowedPattern": "a"}})),
        Refused("ValidationError", "Parameter 'P' must match pattern a"),
        PARAMETERS,
    ),
    Row(
        "a value of 4,097 bytes is refused",
        refused_value("x" * 4097),
        Refused("ValidationError"),
        f"{GUIDE}: CloudFormation quotas",
    ),
    Row(
        "two hundred and one parameters are refused",
        validated(template(Parameters={f"P{number}": {"Type": "String"} for number in range(201)})),
        Refused("ValidationError", "201"),
        f"{GUIDE}: CloudFormation quotas",
    ),
    Row(
        "a number that is too small is refused",
        refused_value("1", Type="Number", MinValue=2),
        Refused("ValidationError", "Parameter 'P' must be a number not less than 2"),
        PARAMETERS,
    ),
    Row(
        "a list of numbers holds numbers alone",
        refused_value("1,b", Type="List<Number>"),
        Refused("ValidationError", "Parameter 'P' must be a number"),
        PARAMETERS,
    ),
    Row(
        "a value is given or kept, not both",
        lambda s: s.create_stack(
            with_parameter(), Parameters=[{"ParameterKey": "P", "ParameterValue": "a", "UsePreviousValue": True}]
        ),
        Refused("ValidationError", "Invalid input for parameter key P."),
        "CloudFormation API reference: Parameter",
    ),
)

CAPABILITIES = (
    Row(
        "a role without a name takes CAPABILITY_IAM",
        lambda s: s.create_stack(template({"Role": own_role()}), Capabilities=[]),
        Refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"),
        ACKNOWLEDGING,
    ),
    Row(
        "a role with a name takes CAPABILITY_NAMED_IAM",
        lambda s: s.create_stack(template({"Role": own_role(s.name())}), Capabilities=["CAPABILITY_IAM"]),
        Refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        ACKNOWLEDGING,
    ),
    Row(
        "a template without IAM takes no capability",
        lambda s: s.stack(template(), Capabilities=[]),
        Gives("CREATE_COMPLETE", lambda _, stack: stack["StackStatus"]),
        ACKNOWLEDGING,
    ),
    Row(
        "a capability that does not exist is refused",
        lambda s: s.create_stack(template(), Capabilities=["CAPABILITY_ALL"]),
        Refused("ValidationError", "Member must satisfy enum value set"),
        "CloudFormation service model: Capability",
    ),
    Row(
        "a summary tells the capabilities and why they are needed",
        lambda s: s.cfn.get_template_summary(TemplateBody=template({"Role": own_role("x"), "Handle": HANDLE})),
        Gives(
            (["CAPABILITY_NAMED_IAM"], "The following resource(s) require capabilities: [AWS::IAM::Role]"),
            lambda _, answer: (answer["Capabilities"], answer["CapabilitiesReason"]),
        ),
        "CloudFormation API reference: GetTemplateSummary",
    ),
    Row(
        "a summary tells the parameters and the types of resources",
        lambda s: s.cfn.get_template_summary(TemplateBody=with_parameter(Default="a", AllowedValues=["a", "b"])),
        Gives(
            (("P", "String", "a", ["a", "b"]), ["AWS::CloudFormation::WaitConditionHandle"]),
            lambda _, answer: (summarized(answer["Parameters"][0]), answer["ResourceTypes"]),
        ),
        "CloudFormation API reference: GetTemplateSummary",
    ),
    Row(
        "a validation tells the parameters and the description",
        lambda s: s.cfn.validate_template(TemplateBody=with_parameter().replace("{", '{"Description": "said",', 1)),
        Gives(("P", "said"), lambda _, answer: (answer["Parameters"][0]["ParameterKey"], answer["Description"])),
        "CloudFormation API reference: ValidateTemplate",
    ),
    Row(
        "the template of a stack is shown as it was given",
        lambda s: s.cfn.get_template(StackName=s.name("stack")),
        Gives(lambda _: json.loads(template({"Role": own_role(Policies=[inline()])})), lambda _, a: a["TemplateBody"]),
        "CloudFormation API reference: GetTemplate",
        given=lambda s: s.stack(template({"Role": own_role(Policies=[inline()])})),
    ),
)

ROWS = (*VALUES, *DECLARATIONS, *CAPABILITIES)
