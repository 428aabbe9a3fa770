"""Unique ids in AWS' form: a prefix, the account in base 32, random letters."""

from __future__ import annotations

from moto.iam.utils import generate_access_key_id_from_account_id

_KEY_LENGTH = 20
_UNIQUE_ID_LENGTH = 21


def access_key_id(account_id: str, prefix: str) -> str:
    """An access key's id; the prefix is `AKIA`, or `ASIA` for a session."""
    return str(generate_access_key_id_from_account_id(account_id, prefix, _KEY_LENGTH))


def unique_id(account_id: str, prefix: str) -> str:
    """A principal's unique id; the prefix is `AROA` for roles, `AIDA` for users."""
    return str(generate_access_key_id_from_account_id(account_id, prefix, _UNIQUE_ID_LENGTH))
