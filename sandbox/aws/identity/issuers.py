"""OpenID Connect issuers and their signing keys: the part of the internet that STS reaches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from sandbox.aws.errors import AwsError

Jwks = Callable[[], Mapping[str, Any]]


class Issuers:
    """Issuers whose keys can be fetched.

    Keys are fetched when first needed, and again when a token names a key that is not among them.
    """

    def __init__(self) -> None:
        self._jwks: dict[str, Jwks] = {}
        self._keys: dict[str, dict[str, PyJWK]] = {}
        self._lock = threading.Lock()

    def trust(self, issuer: str, jwks: Jwks) -> None:
        """Make an issuer's JSON Web Key Set reachable; an earlier one of the same issuer is replaced."""
        with self._lock:
            self._jwks[issuer] = jwks
            self._keys.pop(issuer, None)

    def signing_key(self, issuer: str, key_id: str) -> PyJWK | None:
        """The issuer's key of that id; None if there is no such issuer or key.

        Raises:
            AwsError: `IDPCommunicationError` when fetching the keys fails.
        """
        with self._lock:
            jwks, known = self._jwks.get(issuer), self._keys.get(issuer, {})
        if jwks is None:
            return None
        if key_id not in known:
            known = _usable_keys(_fetched(jwks))
            with self._lock:
                self._keys[issuer] = known
        return known.get(key_id)

    def clear(self) -> None:
        """Forget every issuer."""
        with self._lock:
            self._jwks.clear()
            self._keys.clear()


def _fetched(jwks: Jwks) -> Mapping[str, Any]:
    try:
        return jwks()
    except Exception as error:
        # Whatever kept the keys from coming, to STS it is an issuer that does not answer.
        raise AwsError("IDPCommunicationError", "Error communicating to the identity provider.") from error


def _usable_keys(document: Mapping[str, Any]) -> dict[str, PyJWK]:
    try:
        keys = PyJWKSet.from_dict(dict(document)).keys
    except PyJWTError:
        return {}
    return {str(key.key_id): key for key in keys}
