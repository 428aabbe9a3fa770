"""Functions and conditions of templates that do not fit together."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.stacks import arn_of, physical_id
from tests.aws.cloudformation.templates import HANDLE, output, own_role, template, validated
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
FUNCTIONS = f"{GUIDE}: Intrinsic function reference"


def unless(condition: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Condition": condition}]}


MALFORMED = (
    Row(
        "a value selected from beyond the end is refused",
        lambda s: s.create_stack(output({"Fn::Select": [2, ["a", "b"]]})),
        Refused("ValidationError", "Fn::Select cannot select nonexistent value at index 2"),
        FUNCTIONS,
    ),
    Row(
        "a join of what is no list is refused",
        lambda s: s.create_stack(output({"Fn::Join": ["-", "a"]})),
        Refused("ValidationError", "Fn::Join"),
        FUNCTIONS,
    ),
    Row(
        "a join without a delimiter is refused",
        lambda s: s.create_stack(output({"Fn::Join": [["a"]]})),
        Refused("ValidationError", "Fn::Join"),
        FUNCTIONS,
    ),
    Row(
        "a substitution of what is no text is refused",
        lambda s: s.create_stack(output({"Fn::Sub": {"a": "b"}})),
        Refused("ValidationError", "Fn::Sub"),
        FUNCTIONS,
    ),
    Row(
        "a comparison outside the conditions is refused",
        lambda s: s.create_stack(output({"Fn::Equals": ["a", "b"]})),
        Refused("ValidationError", "Fn::Equals"),
        FUNCTIONS,
    ),
    Row(
        "an attribute without a resource is refused",
        lambda s: s.create_stack(output({"Fn::GetAtt": ["Arn"]})),
        Refused("ValidationError", "Fn::GetAtt"),
        FUNCTIONS,
    ),
    Row(
        "a reference that is no text is refused",
        lambda s: s.create_stack(output({"Ref": ["a"]})),
        Refused("ValidationError", "Ref"),
        FUNCTIONS,
    ),
    Row(
        "a function that is not alone in its object is refused",
        lambda s: s.create_stack(output({"Fn::Sub": "a", "b": "c"})),
        Refused("ValidationError", "Fn::Sub"),
        FUNCTIONS,
    ),
    Row(
        "an attribute of a parameter is refused",
        lambda s: s.create_stack(output({"Fn::GetAtt": ["AWS::Region", "Arn"]})),
        Refused("ValidationError", "Fn::GetAtt"),
        FUNCTIONS,
    ),
)

CONDITIONS = (
    Row(
        "a condition that is no boolean function is refused",
        validated(template(Conditions={"A": {"Fn::Sub": "a"}})),
        Refused("ValidationError", "Template format error: Conditions can only be boolean operations"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "a condition on a resource is refused",
        validated(template(Conditions={"A": {"Fn::Equals": [{"Ref": "Handle"}, "b"]}})),
        Refused("ValidationError", "Unresolved"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "a condition on a condition that does not exist is refused",
        validated(template(Conditions={"A": {"Fn::Not": [{"Condition": "B"}]}})),
        Refused("ValidationError", "Unresolved condition dependency B in the Conditions block"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "conditions that need each other are refused",
        validated(
            template(Conditions={"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}})
        ),
        Refused("ValidationError", "Circular"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "a single operand for Fn::And is refused",
        validated(template(Conditions={"A": {"Fn::And": [{"Fn::Equals": ["a", "a"]}]}})),
        Refused("ValidationError", "at least 2 and at most 10"),
        f"{FUNCTIONS}: Condition functions",
    ),
    Row(
        "an output on a condition that does not exist is refused",
        validated(template(Outputs={"A": {"Value": "b", "Condition": "C"}})),
        Refused("ValidationError", "Unresolved condition dependency C in the Outputs block"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "a choice by a condition that does not exist is refused",
        validated(output({"Fn::If": ["C", "a", "b"]})),
        Refused("ValidationError", "Unresolved condition dependency C in the Outputs block"),
        f"{GUIDE}: Conditions",
    ),
    Row(
        "an output without a value is refused",
        validated(template(Outputs={"A": {"Description": "b"}})),
        Refused("ValidationError", "Template format error"),
        f"{GUIDE}: Outputs",
    ),
    Row(
        "an output's name takes letters and digits alone",
        validated(template(Outputs={"a-b": {"Value": "c"}})),
        Refused("ValidationError", "Output name a-b is non alphanumeric."),
        f"{GUIDE}: Outputs",
    ),
    Row(
        "a dependency on nothing is refused",
        validated(template({"A": {**HANDLE, "DependsOn": "Nothing"}})),
        Refused("ValidationError", "Unresolved resource dependencies [Nothing] in the Resources block"),
        f"{GUIDE}: DependsOn attribute",
    ),
    Row(
        "a description that is no text is refused",
        validated(template(Description=["a"])),
        Refused("ValidationError", "Template format error"),
        f"{GUIDE}: Template description",
    ),
    Row(
        "a deletion policy that does not exist is refused",
        validated(template({"A": {**HANDLE, "DeletionPolicy": "Keep"}})),
        Refused("ValidationError", "Keep"),
        f"{GUIDE}: DeletionPolicy attribute",
    ),
    Row(
        "a part of an attribute becomes a property",
        lambda s: s.stack(
            template(
                {
                    "Role": own_role(s.name()),
                    "Other": own_role(Description={"Fn::Select": [1, {"Fn::Split": ["/", arn_of("Role")]}]}),
                }
            )
        ),
        Gives(lambda s: s.name(), lambda s, _: s.iam.get_role(RoleName=physical_id(s, "Other"))["Role"]["Description"]),
        f"{FUNCTIONS}: Fn::Split",
    ),
    Row(
        "a part of what was to be made but has no such part fails its resource",
        lambda s: s.stack(
            template(
                {"Role": own_role(), "Other": own_role(Path={"Fn::Select": [7, {"Fn::Split": ["/", arn_of("Role")]}]})}
            )
        ),
        Gives("ROLLBACK_COMPLETE", lambda _, stack: stack["StackStatus"]),
        f"{FUNCTIONS}: Fn::Select",
    ),
    Row(
        "a part of an output's attribute that is not there fails the stack",
        lambda s: s.stack(
            template(
                {"Role": own_role()},
                Outputs={"A": {"Value": {"Fn::Select": [7, {"Fn::Split": ["/", arn_of("Role")]}]}}},
            )
        ),
        Gives("ROLLBACK_COMPLETE", lambda _, stack: stack["StackStatus"]),
        f"{FUNCTIONS}: Fn::Select",
    ),
    Row(
        "an attribute of one resource becomes a property of another",
        lambda s: s.stack(template({"Role": own_role(s.name()), "Other": own_role(Description=arn_of("Role"))})),
        Gives(
            lambda s: s.arn(f"role/{s.name()}"),
            lambda s, _: s.iam.get_role(RoleName=physical_id(s, "Other"))["Role"]["Description"],
        ),
        f"{FUNCTIONS}: Fn::GetAtt",
    ),
)

ROWS = (*MALFORMED, *CONDITIONS)
