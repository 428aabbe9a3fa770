"""The connector token, out of its Secret."""

from __future__ import annotations

import base64

from apono_operator.state.finding import Finding, stuck
from apono_operator.state.resources import Manifest
from apono_operator.v1alpha1 import Reason, TokenSecretRef


def read(secret: Manifest | None, namespace: str, reference: TokenSecretRef) -> str | Finding:
    """Return the token, or what is wrong with its Secret.

    Args:
        secret: The Secret as the API server has it, None if there is none.
        namespace: The connector's namespace.
        reference: Which Secret and key the manifest names.
    """
    if secret is None:
        return stuck(
            Reason.TOKEN_SECRET_MISSING,
            f"Secret {reference.name} does not exist in namespace {namespace}. Correct spec.tokenSecretRef.name, or "
            f"create the Secret: kubectl create secret generic {reference.name} -n {namespace} "
            f"--from-literal={reference.key}='<token from the page Install Connector>'",
        )
    token = _decoded(secret.get("data", {}).get(reference.key, ""))
    if not token.strip():
        keys = ", ".join(sorted(secret.get("data", {}))) or "none"
        return stuck(
            Reason.TOKEN_KEY_MISSING,
            f"Secret {reference.name} has no token under the key {reference.key} (its keys: {keys}). "
            "Put the token there, or name the right key in spec.tokenSecretRef.key.",
        )
    if token.split() != [token]:
        # The pods read the Secret themselves, white space and all, so that trimming it here would hide the mistake.
        return stuck(
            Reason.TOKEN_INVALID,
            f"Secret {reference.name} has white space in the token under the key {reference.key}, perhaps a line break "
            f"at its end. Store the token alone: kubectl create secret generic {reference.name} -n {namespace} "
            f"--from-literal={reference.key}='<token>' --dry-run=client -o yaml | kubectl apply -f -",
        )
    return token


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return ""
