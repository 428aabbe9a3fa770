"""The services' own models, as botocore carries them, and the constraints they put on input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from sandbox.aws.errors import AwsError

_CLASS_OR_SHORTHAND: Final = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\[wd]")
LOADER: Final = Loader()
"""Reads each model once a process: the services' and the clients' sessions share it."""


_MODELS: Final = {"sso": "sso-admin"}
"""What is called otherwise than it signs; `sso` is the portal that users see, and takes no signatures."""


@lru_cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by its signing name, such as `iam`."""
    name = _MODELS.get(service, service)
    return ServiceModel(LOADER.load_service_model(name, "service-2"), name)


@lru_cache
def operation_model(service: str, operation: str) -> OperationModel:
    """The model of one operation that the service has."""
    return service_model(service).operation_model(operation)


def check_constraints(shape: Shape | None, parameters: Mapping[str, Any], code: str = "ValidationError") -> None:
    """Hold parameters against the model: required members, lengths, ranges, patterns, enumerations.

    Raises:
        AwsError: Of the given code, listing every violation in the words the query services use.
    """
    if not isinstance(shape, StructureShape):
        return
    violations = list(_structure_violations(shape, parameters, ""))
    if violations:
        plural = "s" if len(violations) > 1 else ""
        raise AwsError(code, f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}")


def redacted(shape: Shape | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without the values that the model calls sensitive."""
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {
        name: "***" if name in members and members[name].metadata.get("sensitive") else value
        for name, value in parameters.items()
    }


def _structure_violations(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            where = _joined(path, name)
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
    for name, member in value.items():
        yield from _violations(shape.members[name], member, _joined(path, name))


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        shown = "***" if shape.metadata.get("sensitive") else value
        yield f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"
    if isinstance(shape, StructureShape):
        yield from _structure_violations(shape, value, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    bounds = shape.metadata
    measure, noun = (value, "value") if isinstance(value, int) else (len(value), "length")
    if "min" in bounds and measure < bounds["min"]:
        yield f"have {noun} greater than or equal to {bounds['min']}"
    if "max" in bounds and measure > bounds["max"]:
        yield f"have {noun} less than or equal to {bounds['max']}"
    if "pattern" in bounds and not _compiled(bounds["pattern"]).fullmatch(value):
        yield f"satisfy regular expression pattern: {bounds['pattern']}"
    if "enum" in bounds and value not in bounds["enum"]:
        yield f"satisfy enum value set: [{', '.join(bounds['enum'])}]"


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""The models' patterns are Java's: `\w` and `\d` are ASCII there, and `\p{..}` is unknown here."""
    translated = _CLASS_OR_SHORTHAND.sub(lambda match: _in_ascii(match[0]), pattern)
    translated = translated.replace(r"\p{L}", r"\w").replace(r"\p{N}", "")
    translated = translated.replace(r"\p{Z}", "\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000")
    return re.compile(translated.replace(r"\u10000-\u10FFFF", "\U00010000-\U0010ffff"))


def _in_ascii(part: str) -> str:
    """A class of characters, or a shorthand that stands alone."""
    if part.startswith("["):
        return part.replace(r"\w", "a-zA-Z0-9_").replace(r"\d", "0-9")
    return "[a-zA-Z0-9_]" if part == r"\w" else "[0-9]"


def _joined(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
