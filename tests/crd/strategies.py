"""Specs by the schema, with the table's examples for spice: mostly valid, at times broken in one or two places."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from apono_operator import crds
from tests.crd.manifests import ABSENT, Json, changed
from tests.crd.rows import REQUIRED, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_SPEC = crds.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

_ODDITIES: tuple[Any, ...] = (None, "", " ", "a\n", "ä", "0", 0, -1, 1.0, 2**31, True, [], [None], {}, {"": ""})
_KEYS = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?", fullmatch=True)
_SHARES_OF_EXAMPLES = {"spec.target": 3 / 4}
"""Of what seldom holds together by chance, as its fields depend on each other."""

_NUMBERS_OF_EDITS = (0, 0, 0, 0, 1, 2)

_ROWS = [row for row in ROWS if row.path.startswith("spec.") and not row.is_about_updates]
_EXAMPLES: dict[str, list[Any]] = defaultdict(list)
for _row in _ROWS:
    if _row.admitted not in _EXAMPLES[_row.path]:
        _EXAMPLES[_row.path].append(_row.admitted)


@st.composite
def specs(draw: st.DrawFn) -> Any:
    """Draw what a user could write for ``spec``.

    A generator of its own decides what is there: Hypothesis' preference for small examples would leave too much out.
    """
    chance = draw(st.randoms(use_true_random=True, note_method_calls=False))
    manifest: Json = {"spec": _Author(draw, chance).value(_SPEC, "spec")}
    for _ in range(chance.choice(_NUMBERS_OF_EDITS)):
        path, value = chance.choice(chance.choice((_ROW_EDITS, _ODD_EDITS)))
        manifest = changed(manifest, path, value)
    return manifest["spec"]


class _Author:
    """Writes values that satisfy every bound of a schema, but not each rule."""

    def __init__(self, draw: st.DrawFn, chance: Random) -> None:
        self._draw = draw
        self._chance = chance

    def value(self, schema: Json, path: str) -> Any:
        examples = _EXAMPLES[path]
        if examples and self._chance.random() < _SHARES_OF_EXAMPLES.get(path, 1 / 3):
            return self._chance.choice(examples)
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        if schema["type"] == "object":
            return self._object(schema, path)
        if schema["type"] == "array":
            count = self._chance.randint(schema.get("minItems", 0), 3)
            return [self.value(schema["items"], f"{path}[]") for _ in range(count)]
        return self._draw(_scalars(schema))

    def _object(self, schema: Json, path: str) -> Json:
        if "additionalProperties" in schema:
            count = self._chance.randint(0, 3)
            values = schema["additionalProperties"]
            return {self._draw(_KEYS): self.value(values, f"{path}{{}}") for _ in range(count)}
        return {
            name: self.value(child, f"{path}.{name}")
            for name, child in schema["properties"].items()
            if name in schema.get("required", ()) or self._chance.random() < 1 / 2
        }


def _scalars(schema: Json) -> st.SearchStrategy[Any]:
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if "pattern" not in schema:
        return st.text(max_size=40)
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    texts = st.from_regex(schema["pattern"], fullmatch=True)
    return texts.filter(lambda text: shortest <= len(text) <= longest)


def _row_edits() -> Iterator[tuple[str, Any]]:
    for row in _ROWS:
        yield row.path, row.refused
    for required in REQUIRED:
        if required.path.startswith("spec"):
            yield required.property_path, ABSENT


def _odd_edits(schema: Json, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in schema.get("properties", {}).items():
        yield from ((f"{path}.{name}", value) for value in _ODDITIES)
        yield f"{path}.{name}", {"surprise": "a"}
        yield from _odd_edits(child, f"{path}.{name}")


_ROW_EDITS = tuple(_row_edits())
_ODD_EDITS = tuple(_odd_edits(_SPEC, "spec"))
