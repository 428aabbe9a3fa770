"""A definition that refuses what an earlier one took is found, and one that only takes more is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from apono_operator import crds
from apono_operator.__main__ import main
from apono_operator.crd_compatibility import incompatibilities

RELEASED = Path(__file__).parents[1] / "crd" / "testdata" / "last-release.yaml"

Json = dict[str, Any]


def a_definition() -> Json:
    schema: Json = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": {"type": "string", "enum": ["A", "B"]},
                    "name": {"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^[a-z]+$"},
                    "free": {"type": "string"},
                    "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1, "nullable": True},
                    "keys": {
                        "type": "array",
                        "maxItems": 5,
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {"type": "object", "properties": {"name": {"type": "string", "format": "date"}}},
                    },
                    "tags": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 5}},
                },
                "x-kubernetes-validations": [{"rule": "self.mode == 'A'", "message": "write A"}],
            }
        },
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"kind": "Thing", "plural": "things"}
    return {"spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}}


def spec_of(definition: Json) -> Json:
    spec: Json = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def fields_of(definition: Json) -> Json:
    fields: Json = spec_of(definition)["properties"]
    return fields


Edit = Callable[[Json], object]

STRICTER: dict[str, tuple[Edit, str]] = {
    "another group": (lambda d: d["spec"].update(group="a.b"), "group: example.com became a.b"),
    "another scope": (lambda d: d["spec"].update(scope="Cluster"), "scope: Namespaced became Cluster"),
    "another kind": (lambda d: d["spec"]["names"].update(kind="Other"), "names.kind: Thing became Other"),
    "a version that is gone": (lambda d: d["spec"]["versions"].clear(), "v1: this version is served no more"),
    "a version that is not served": (
        lambda d: d["spec"]["versions"][0].update(served=False),
        "v1: this version is served no more",
    ),
    "a subresource that is gone": (
        lambda d: d["spec"]["versions"][0].update(subresources={}),
        "v1: the subresource status is gone",
    ),
    "a field that is gone": (lambda d: fields_of(d).pop("free"), "spec.free: the field is gone"),
    "a field of an item that is gone": (
        lambda d: fields_of(d)["keys"]["items"]["properties"].clear(),
        "spec.keys[].name: the field is gone",
    ),
    "a field that is required now": (
        lambda d: spec_of(d)["required"].append("name"),
        "spec: name is required, and was not",
    ),
    "a value that is gone": (lambda d: fields_of(d)["mode"].update(enum=["A"]), "spec.mode: values are gone: B"),
    "values where all were taken": (
        lambda d: fields_of(d)["free"].update(enum=["x"]),
        "spec.free: only some values are left: x",
    ),
    "a shorter text": (lambda d: fields_of(d)["name"].update(maxLength=9), "spec.name: maxLength is 9, and was 10"),
    "a longer text": (lambda d: fields_of(d)["name"].update(minLength=2), "spec.name: minLength is 2, and was 1"),
    "a bound where there was none": (
        lambda d: fields_of(d)["free"].update(maxLength=9),
        "spec.free: maxLength is 9, and was not bounded",
    ),
    "a least where there was none": (
        lambda d: fields_of(d)["free"].update(minLength=1),
        "spec.free: minLength is 1, and was not bounded",
    ),
    "a greater least": (lambda d: fields_of(d)["replicas"].update(minimum=2), "minimum is 2, and was 1"),
    "fewer items": (lambda d: fields_of(d)["keys"].update(maxItems=4), "spec.keys: maxItems is 4, and was 5"),
    "a shorter value of a map": (
        lambda d: fields_of(d)["tags"]["additionalProperties"].update(maxLength=4),
        "spec.tags{}: maxLength is 4, and was 5",
    ),
    "a map that is closed": (
        lambda d: fields_of(d)["tags"].pop("additionalProperties"),
        "spec.tags{}: type is gone, and was string",
    ),
    "another pattern": (
        lambda d: fields_of(d)["name"].update(pattern="^a$"),
        "spec.name: pattern is ^a$, and was ^[a-z]+$",
    ),
    "a pattern where there was none": (
        lambda d: fields_of(d)["free"].update(pattern="^a$"),
        "spec.free: pattern is ^a$, and was not there",
    ),
    "another type": (
        lambda d: fields_of(d)["free"].update(type="integer"),
        "spec.free: type is integer, and was string",
    ),
    "another default": (lambda d: fields_of(d)["replicas"].update(default=2), "spec.replicas: default is 2, and was 1"),
    "a default that is gone": (
        lambda d: fields_of(d)["replicas"].pop("default"),
        "spec.replicas: default is gone, and was 1",
    ),
    "null that is refused": (
        lambda d: fields_of(d)["replicas"].pop("nullable"),
        "spec.replicas: null is no longer taken",
    ),
    "other keys of a list": (
        lambda d: fields_of(d)["keys"].update({"x-kubernetes-list-map-keys": ["id"]}),
        "spec.keys: x-kubernetes-list-map-keys is ['id'], and was ['name']",
    ),
    "a keyword that says who knows what": (
        lambda d: fields_of(d)["replicas"].update(multipleOf=2),
        "spec.replicas: multipleOf is 2, and was not there",
    ),
    "a new rule": (
        lambda d: spec_of(d)["x-kubernetes-validations"].append({"rule": "self.name != ''"}),
        "spec: there is a new rule: self.name != ''",
    ),
}

LOOSER: dict[str, Edit] = {
    "nothing": lambda _: None,
    "a new field": lambda d: fields_of(d).update(new={"type": "string"}),
    "a field that is not required any more": lambda d: spec_of(d).update(required=[]),
    "another value": lambda d: fields_of(d)["mode"]["enum"].append("C"),
    "all values": lambda d: fields_of(d)["mode"].pop("enum"),
    "a longer text": lambda d: fields_of(d)["name"].update(minLength=0, maxLength=11),
    "no bound": lambda d: fields_of(d)["name"].pop("maxLength"),
    "no pattern": lambda d: fields_of(d)["name"].pop("pattern"),
    "no format": lambda d: fields_of(d)["keys"]["items"]["properties"]["name"].pop("format"),
    "another description": lambda d: fields_of(d)["name"].update(description="x"),
    "a rule that says it otherwise": lambda d: spec_of(d)["x-kubernetes-validations"][0].update(message="write an A"),
    "a rule less": lambda d: spec_of(d).pop("x-kubernetes-validations"),
    "a new version": lambda d: d["spec"]["versions"].append({"name": "v2", "served": True}),
}


@pytest.mark.parametrize(("edit", "problem"), STRICTER.values(), ids=STRICTER)
def test_what_is_removed_or_stricter_is_named(edit: Edit, problem: str) -> None:
    after = copy.deepcopy(a_definition())
    edit(after)

    (line,) = incompatibilities(a_definition(), after)

    assert problem in line


@pytest.mark.parametrize("edit", LOOSER.values(), ids=LOOSER)
def test_what_takes_more_is_compatible(edit: Edit) -> None:
    after = copy.deepcopy(a_definition())
    edit(after)

    assert [*incompatibilities(a_definition(), after)] == []


def test_a_version_that_was_not_served_may_go() -> None:
    before = a_definition()
    before["spec"]["versions"].append({"name": "v0", "served": False})

    assert [*incompatibilities(before, a_definition())] == []


def test_the_definition_takes_all_that_the_last_release_took() -> None:
    crds.check_compatible(yaml.safe_load(RELEASED.read_text(encoding="utf-8")))


def test_the_command_is_silent_about_a_definition_that_is_compatible(tmp_path: Path) -> None:
    file = tmp_path / "crd.yaml"
    file.write_text(crds.render(), encoding="utf-8")

    done = CliRunner().invoke(main, ["crds", "--compatible-with", str(file)])

    assert (done.exit_code, done.output) == (0, "")


def test_the_command_names_what_an_earlier_definition_took(tmp_path: Path) -> None:
    before = crds.custom_resource_definition()
    spec = before["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["old"] = {"type": "string"}
    file = tmp_path / "crd.yaml"
    file.write_text(yaml.safe_dump(before), encoding="utf-8")

    done = CliRunner().invoke(main, ["crds", "--compatible-with", str(file)])

    assert (done.exit_code, done.output) == (1, "apono-operator: spec.old: the field is gone\n")
