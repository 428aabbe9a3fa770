"""The properties of an `AWS::CloudFormation::StackSet`, as calls take them and as descriptions show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sandbox.aws.cloudformation.resources.schema import Properties
from sandbox.aws.errors import AwsError, not_modelled, validation_error

Target = tuple[str, str]
"""A unit or root, and a region."""

Overrides = tuple[tuple[str, str], ...]
"""Parameters with their values, sorted."""

_TEXTS: Final = ("CallAs", "Description", "TemplateBody", "TemplateURL")
_COUNTS: Final = {
    "FailureToleranceCount",
    "FailureTolerancePercentage",
    "MaxConcurrentCount",
    "MaxConcurrentPercentage",
}
_MASK: Final = "****"


def configuration(properties: Properties) -> dict[str, Any]:
    """What `CreateStackSet` and `UpdateStackSet` take alike."""
    given: dict[str, Any] = {name: str(properties[name]) for name in _TEXTS if name in properties}
    given["Capabilities"] = [str(one) for one in properties.get("Capabilities", [])]
    given["Parameters"] = _pairs(properties.get("Parameters", []), "ParameterKey", "ParameterValue")
    given["Tags"] = _pairs(properties.get("Tags", []), "Key", "Value")
    if "AutoDeployment" in properties:
        given["AutoDeployment"] = flags(properties["AutoDeployment"])
    return given


def flags(switches: Mapping[str, Any]) -> dict[str, Any]:
    """Switches, which a template may give as text."""
    return {name: str(value).lower() == "true" for name, value in switches.items()}


def preferences(properties: Properties) -> dict[str, Any]:
    """`OperationPreferences` as operations take them; none if there are none."""
    given = properties.get("OperationPreferences")
    if given is None:
        return {}
    return {"OperationPreferences": {name: int(one) if name in _COUNTS else one for name, one in given.items()}}


def instances_of(properties: Properties) -> dict[Target, Overrides]:
    """Every target of `StackInstancesGroup`, with the parameters it overrides.

    Raises:
        AwsError: `ValidationError` for a target that comes twice, `NotModelled` for single accounts.
    """
    found: dict[Target, Overrides] = {}
    for group in properties.get("StackInstancesGroup", []):
        for target in _targets(group):
            if target in found:
                raise validation_error(f"Stack instance [{','.join(target)}] is duplicated")
            pairs = _pairs(group.get("ParameterOverrides", []), "ParameterKey", "ParameterValue")
            found[target] = tuple(sorted((pair["ParameterKey"], pair["ParameterValue"]) for pair in pairs))
    return found


def grouped(instances: Mapping[Target, Overrides]) -> Iterator[dict[str, Any]]:
    """The parameters of one call for all targets that have region and overrides in common."""
    groups: dict[tuple[str, Overrides], list[str]] = {}
    for (unit_id, region), overrides in instances.items():
        groups.setdefault((region, overrides), []).append(unit_id)
    for (region, overrides), unit_ids in groups.items():
        call: dict[str, Any] = {"Regions": [region], "DeploymentTargets": {"OrganizationalUnitIds": unit_ids}}
        if overrides:
            call["ParameterOverrides"] = [{"ParameterKey": name, "ParameterValue": value} for name, value in overrides]
        yield call


def seen_properties(found: Mapping[str, Any], declared: Properties) -> dict[str, Any]:
    """The declared properties, as a description of the stack set shows them where it does."""
    seen = {**declared, "StackSetName": found["StackSetName"], "PermissionModel": found["PermissionModel"]}
    shown = {
        "Description": found["Description"],
        "TemplateBody": found["TemplateBody"],
        "Capabilities": _in_order_of(declared.get("Capabilities", []), found["Capabilities"]),
        "Parameters": _seen_parameters(found["Parameters"], declared.get("Parameters", [])),
        "Tags": _in_order_of(declared.get("Tags", []), found["Tags"]),
        "AutoDeployment": _seen_members(found["AutoDeployment"], declared.get("AutoDeployment", {})),
        "ManagedExecution": _seen_members(found["ManagedExecution"], declared.get("ManagedExecution", {})),
    }
    seen.update({name: value for name, value in shown.items() if name in declared})
    return {name: value for name, value in seen.items() if value is not None}


def _targets(group: Mapping[str, Any]) -> Iterator[Target]:
    targets = group["DeploymentTargets"]
    other = sorted(set(targets) - {"OrganizationalUnitIds"})
    if other:
        raise not_modelled(f"{other[0]} of DeploymentTargets in a template")
    if not targets.get("OrganizationalUnitIds"):
        raise _no_units()
    for region in group["Regions"]:
        for unit_id in targets["OrganizationalUnitIds"]:
            yield str(unit_id), str(region)


def _no_units() -> AwsError:
    return validation_error("OrganizationalUnitIds should be specified in DeploymentTargets in [SERVICE_MANAGED] model")


def _pairs(items: Iterable[Mapping[str, Any]], key: str, value: str) -> list[dict[str, str]]:
    return [{key: str(item[key]), value: str(item[value])} for item in items]


def _in_order_of(declared: list[Any], found: list[Any]) -> list[Any]:
    """What is found, in the declared order as far as that goes."""
    return [one for one in declared if one in found] + [one for one in found if one not in declared]


def _seen_parameters(found: Iterable[Mapping[str, str]], declared: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The declared parameters' values; what the template has by default is not looked at, nor what is masked."""
    values = {one["ParameterKey"]: one["ParameterValue"] for one in found}
    seen = []
    for parameter in declared:
        name, value = parameter["ParameterKey"], values.get(parameter["ParameterKey"])
        if value is not None:
            seen.append(
                {"ParameterKey": name, "ParameterValue": parameter["ParameterValue"] if value == _MASK else value}
            )
    return seen


def _seen_members(found: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in declared if name in found}
