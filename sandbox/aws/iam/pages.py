"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.aws.errors import AwsError
from sandbox.aws.state import Call

_DEFAULT_PAGE: Final = 100
PAGE_PARAMETERS: Final = ("Marker", "MaxItems")


def page(call: Call, member: str, items: Sequence[Any]) -> Mapping[str, Any]:
    """One page of items, as the call's `Marker` and `MaxItems` want it.

    Args:
        call: The call.
        member: The output's member for the items.
        items: All of them, in a lasting order.

    Raises:
        AwsError: `ValidationError` for a marker that was not handed out.
    """
    marker = call.parameters.get("Marker", "0")
    if not marker.isdigit():
        raise AwsError("ValidationError", f"Invalid Marker: {marker}")
    start = int(marker)
    end = start + call.parameters.get("MaxItems", _DEFAULT_PAGE)
    more = {"Marker": str(end)} if end < len(items) else {}
    return {member: list(items[start:end]), "IsTruncated": bool(more), **more}
