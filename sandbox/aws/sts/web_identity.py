"""Web identity tokens: verified as STS verifies them, against the issuer's published keys.

Source: "Troubleshoot OIDC federation" in the IAM user guide, and the errors in STS' service model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError
from jwt.types import Options

from sandbox.aws.errors import AwsError, not_modelled
from sandbox.aws.identity.issuers import Issuers

_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_REQUIRED_CLAIMS: Final = ("iss", "sub", "aud", "exp", "iat")
_TIMES: Final = ("exp", "iat", "nbf")


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """What a verified token says.

    Attributes:
        issuer: The `iss` claim, with its scheme.
        subject: The `sub` claim.
        audience: The `aud` claim.
    """

    issuer: str
    subject: str
    audience: str

    @property
    def provider_url(self) -> str:
        """The issuer as IAM names its provider: without the scheme."""
        return self.issuer.removeprefix("https://")


def read_claims(token: str) -> WebIdentity:
    """Read a token that is not to be believed yet.

    Raises:
        AwsError: `InvalidIdentityToken` when it is no JSON Web Token or lacks a claim.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except PyJWTError:
        raise _invalid("The ID Token provided is not a valid JWT.") from None
    for claim in _REQUIRED_CLAIMS:
        if claim not in claims:
            raise _invalid(f"Missing a required claim: {claim}")
    for claim in _TIMES:
        if not isinstance(claims.get(claim, 0), int | float):
            raise _invalid(f"The claim {claim} is not a time")
    return WebIdentity(str(claims["iss"]), str(claims["sub"]), _audience(claims))


def verify_token(token: str, issuer: str, issuers: Issuers, now: datetime) -> None:
    """Check a token's signature and its times.

    Raises:
        AwsError: `InvalidIdentityToken`, `ExpiredTokenException` after its end, or `IDPCommunicationError`
            when the issuer does not answer.
    """
    header = jwt.get_unverified_header(token)
    key = issuers.signing_key(issuer, str(header.get("kid")))
    if key is None:
        raise _invalid(
            "Couldn't retrieve verification key from your identity provider,  please reference"
            " AssumeRoleWithWebIdentity documentation for requirements"
        )
    # The times are held against the sandbox's clock below, not against the machine's.
    unchecked: Options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims = jwt.decode(token, key, algorithms=_ALGORITHMS, options=unchecked)
    except PyJWTError:
        raise _invalid("The web identity token's signature is not valid.") from None
    _check_times(claims, now.timestamp())


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if now >= claims["exp"]:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {claims['exp']}",
        )
    if now < claims.get("nbf", 0):
        raise _invalid(f"Token not yet valid: current date/time {int(now)} is before {claims['nbf']}")


def _audience(claims: Mapping[str, Any]) -> str:
    if "azp" in claims:
        raise not_modelled("the claim azp in a web identity token")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if len(audiences) != 1:
        raise not_modelled("a web identity token for more than one audience")
    return str(audiences[0])


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)
