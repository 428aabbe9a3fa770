"""Is what we want there? Kubernetes objects come back with defaults and with other people's fields in them.

Server-side apply removes the fields that we stop asking for, which the hash annotation makes us do; for the
rest, what is desired must be found in what is observed, and everything else on the object is not ours.

Source: Kubernetes documentation, "Server-Side Apply".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

# The one pure function of the client library: quantities are equal by value ("1000m" and "1").
from kubernetes.utils.quantity import parse_quantity  # type: ignore[import-untyped, unused-ignore]

from apono_operator.state.resources import Manifest

_QUANTITY_PARENTS = frozenset({"requests", "limits"})
_SMALLEST_QUANTITY = Decimal("1e-3")
_LARGEST_QUANTITY = Decimal(2**63 - 1)


def differences(desired: Manifest, observed: Manifest) -> tuple[str, ...]:
    """Return the paths (``spec.replicas``) at which *observed* lacks what *desired* asks for; none is in sync."""
    return tuple(_differences(desired, observed, ()))


def _differences(desired: Any, observed: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(desired, Mapping):
        yield from _mapping_differences(desired, observed, path)
    elif _is_named_list(desired):
        yield from _named_list_differences(desired, observed, path)
    elif not _same_value(desired, observed, path):
        yield ".".join(path)


def _mapping_differences(desired: Mapping[str, Any], observed: Any, path: tuple[str, ...]) -> Iterator[str]:
    if desired and not isinstance(observed, Mapping):
        yield ".".join(path)
        return
    for key, value in desired.items():
        yield from _differences(value, observed.get(key), (*path, key))


def _named_list_differences(desired: Sequence[Any], observed: Any, path: tuple[str, ...]) -> Iterator[str]:
    by_name = {_name(item): item for item in observed or ()}
    for item in desired:
        yield from _differences(item, by_name.get(_name(item)), (*path, _name(item)))


def _is_named_list(value: Any) -> bool:
    """Lists that server-side apply merges by key; ours are all keyed by name or by uid."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) and _name(item) for item in value)


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("uid") or item.get("name") or "")


def _same_value(desired: Any, observed: Any, path: tuple[str, ...]) -> bool:
    if _without_empty(desired) == _without_empty(observed):
        return True
    return observed is not None and _is_quantity(path) and _stored(desired) == _stored(observed)


def _without_empty(value: Any) -> Any:
    """The API server leaves out what is empty, also inside the items of a list that has no key (tolerations)."""
    if isinstance(value, Mapping):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        return [_without_empty(item) for item in value] or None
    return None if value == "" else value


def _stored(quantity: Any) -> Decimal:
    """Return the amount that the API server keeps in a container's resources: rounded up to thousandths, capped.

    Source: Kubernetes API reference, "Quantity".
    """
    amount: Decimal = parse_quantity(quantity)
    if amount >= _LARGEST_QUANTITY:
        return _LARGEST_QUANTITY
    return amount.quantize(_SMALLEST_QUANTITY, rounding=ROUND_CEILING)


def _is_quantity(path: tuple[str, ...]) -> bool:
    return len(path) > 1 and path[-2] in _QUANTITY_PARENTS
