"""Specs by the schema, with the table's examples for spice: mostly valid, at times broken in one place."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.crd.manifests import ABSENT, Json, changed
from tests.crd.rows import REQUIRED, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crd.row import Row

Values = st.SearchStrategy[Any]

_ODDITIES: tuple[Any, ...] = (None, "", " ", "a\n", "ä", "0", 0, -1, 1.0, 2**31, True, [], [None], {}, {"": ""})
_KEYS = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?", fullmatch=True)
_EDITS = (0, 0, 0, 1, 1, 2)


def specs(schema: Json) -> Values:
    """Return the strategy of values for the property ``spec`` of a manifest; *schema* is that of the object."""
    spec = schema["properties"]["spec"]
    edits = st.sampled_from([*_edits(), *_odd_edits(spec, "spec")])
    edited = st.sampled_from(_EDITS).flatmap(lambda count: st.lists(edits, min_size=count, max_size=count))
    return st.builds(_apply, _Valid().values(spec, "spec"), edited)


def _rows_of_specs() -> list[Row]:
    return [row for row in ROWS if row.path.startswith("spec.") and not row.is_about_updates]


def _apply(spec: Json, edits: list[tuple[str, Any]]) -> Any:
    manifest = {"spec": spec}
    for path, value in edits:
        if isinstance(manifest["spec"], dict):
            manifest = changed(manifest, path, value)
    return manifest.get("spec")


def _edits() -> Iterator[tuple[str, Any]]:
    for row in _rows_of_specs():
        yield row.path, row.refused
    for required in REQUIRED:
        if required.path.startswith("spec"):
            yield required.property_path, ABSENT


def _odd_edits(schema: Json, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in schema.get("properties", {}).items():
        yield from ((f"{path}.{name}", value) for value in _ODDITIES)
        yield f"{path}.{name}.surprise", "a"
        yield from _odd_edits(child, f"{path}.{name}")


class _Valid:
    """Values that satisfy every bound of a schema, but not each rule."""

    def __init__(self) -> None:
        self._examples: dict[str, list[Any]] = defaultdict(list)
        for row in _rows_of_specs():
            self._examples[row.path].append(row.admitted)

    def values(self, schema: Json, path: str) -> Values:
        made = self._made(schema, path)
        examples = self._examples[path]
        return st.one_of(made, st.sampled_from(examples)) if examples else made

    def _made(self, schema: Json, path: str) -> Values:
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "properties" in schema:
            return self._objects(schema, path)
        if "additionalProperties" in schema:
            return st.dictionaries(_KEYS, self.values(schema["additionalProperties"], f"{path}{{}}"), max_size=3)
        if "items" in schema:
            return st.lists(self.values(schema["items"], f"{path}[]"), min_size=schema.get("minItems", 0), max_size=3)
        return _scalars(schema)

    def _objects(self, schema: Json, path: str) -> Values:
        required = schema.get("required", [])
        children = {name: self.values(child, f"{path}.{name}") for name, child in schema["properties"].items()}
        return st.fixed_dictionaries(
            {name: children[name] for name in required},
            optional={name: child for name, child in children.items() if name not in required},
        )


def _scalars(schema: Json) -> Values:
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if "pattern" not in schema:
        return st.text(max_size=schema["maxLength"])
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    texts = st.from_regex(schema["pattern"], fullmatch=True)
    return texts.filter(lambda text: shortest <= len(text) <= longest)
