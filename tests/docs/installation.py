"""The commands by which the README installs the operator."""

from __future__ import annotations

import re

from tests.docs.pages import page


def commands() -> str:
    """Return the code block that installs the operator."""
    (block,) = (block for block in page("README.md").blocks("sh") if "helm install" in block)
    return block


def operator_role(cluster: str) -> str:
    """Return the name that the commands give to the operator's role in *cluster*."""
    (name,) = re.findall(r"OPERATOR_ROLE=(\S+)", commands())
    return str(name).replace("$CLUSTER", cluster)
