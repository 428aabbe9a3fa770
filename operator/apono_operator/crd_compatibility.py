"""Whether a custom resource definition still takes every object that an earlier one took.

Objects stay in etcd as they were written, and manifests in other people's repositories: what was once admitted must be
admitted for as long as its version is served.

Source: Kubernetes documentation, "Kubernetes Deprecation Policy", rules for API elements; "Versions in
CustomResourceDefinitions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

JsonSchema = Mapping[str, Any]
Check = Callable[[str, JsonSchema, JsonSchema], Iterator[str]]

_LEAST = ("minimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "maxLength", "maxItems", "maxProperties")
_LOOSENED = ("pattern", "format")
"""What may go, but neither come nor become another: of two patterns nobody can tell which is stricter."""

_CHILDREN = ("items", "additionalProperties")
_SAID = frozenset({"description", "title", "example", "externalDocs"})
"""What is for people alone."""

_JUDGED = frozenset(
    {*_LEAST, *_MOST, *_LOOSENED, *_CHILDREN, "properties", "required", "enum", "nullable", "x-kubernetes-validations"}
)
"""What is looked at for itself. All else must stay: it changes what an object or an apply means (``type``, ``default``,
``x-kubernetes-list-type``), or nobody can tell."""


def incompatibilities(before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    """Yield what makes *after* refuse, or read otherwise, what *before* took, a line each.

    Args:
        before: The definition of a release.
        after: The one to follow it.
    """
    yield from _names(before["spec"], after["spec"])
    versions = {version["name"]: version for version in after["spec"]["versions"]}
    for version in before["spec"]["versions"]:
        later = versions.get(version["name"], {"served": False})
        if version["served"] and not later["served"]:
            yield f"{version['name']}: this version is served no more"
        elif version["served"]:
            yield from _version(version, later)


def _names(before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for field in ("group", "scope"):
        if before[field] != after[field]:
            yield f"{field}: {before[field]} became {after[field]}"
    for field in ("kind", "plural"):
        if before["names"][field] != after["names"][field]:
            yield f"names.{field}: {before['names'][field]} became {after['names'][field]}"


def _version(before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for subresource in before.get("subresources", {}).keys() - after.get("subresources", {}).keys():
        yield f"{before['name']}: the subresource {subresource} is gone"
    yield from _schema("", before["schema"]["openAPIV3Schema"], after["schema"]["openAPIV3Schema"])


def _schema(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for check in _CHECKS:
        yield from check(path or "the root", before, after)
    for name, child in before.get("properties", {}).items():
        later = after.get("properties", {}).get(name)
        place = f"{path}.{name}".lstrip(".")
        if later is None:
            yield f"{place}: the field is gone"
        else:
            yield from _schema(place, child, later)
    for key, suffix in zip(_CHILDREN, ("[]", "{}"), strict=True):
        if isinstance(before.get(key), Mapping):
            yield from _schema(f"{path}{suffix}", before[key], after.get(key) or {})


def _required(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for name in sorted({*after.get("required", ())} - {*before.get("required", ())}):
        yield f"{path}: {name} is required, and was not"


def _enumeration(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    if "enum" not in after:
        return
    if "enum" not in before:
        yield f"{path}: only some values are left: {_listed(after['enum'])}"
        return
    gone = [value for value in before["enum"] if value not in after["enum"]]
    if gone:
        yield f"{path}: values are gone: {_listed(gone)}"


def _bounds(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for key in _LEAST:
        if key in after and after[key] > before.get(key, float("-inf")):
            yield f"{path}: {key} is {after[key]}, and was {before.get(key, 'not bounded')}"
    for key in _MOST:
        if key in after and after[key] < before.get(key, float("inf")):
            yield f"{path}: {key} is {after[key]}, and was {before.get(key, 'not bounded')}"


def _fixed(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for key in sorted((before.keys() | after.keys()) - _JUDGED - _SAID):
        if before.get(key) != after.get(key):
            yield f"{path}: {key} is {after.get(key, 'gone')}, and was {before.get(key, 'not there')}"


def _loosened(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    for key in _LOOSENED:
        if key in after and after[key] != before.get(key):
            yield f"{path}: {key} is {after[key]}, and was {before.get(key, 'not there')}"


def _nullable(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    if before.get("nullable") and not after.get("nullable"):
        yield f"{path}: null is no longer taken"


def _rules(path: str, before: JsonSchema, after: JsonSchema) -> Iterator[str]:
    known = [rule["rule"] for rule in before.get("x-kubernetes-validations", ())]
    for rule in after.get("x-kubernetes-validations", ()):
        if rule["rule"] not in known:
            yield f"{path}: there is a new rule: {rule['rule']}"


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))


_CHECKS: tuple[Check, ...] = (_fixed, _required, _enumeration, _bounds, _loosened, _nullable, _rules)
