"""Signature version 4, verified by signing anew with botocore's own signer.

Source: "AWS Signature Version 4 for API requests" in the IAM user guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws.errors import AwsError
from sandbox.aws.identity.callers import AccessKey
from sandbox.aws.wire.server import HttpRequest

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)"
    r"/aws4_request"
    r", ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_ALLOWED_SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Signature:
    """What an `Authorization` header says.

    Attributes:
        access_key_id: Whose key signed.
        region: The credential scope's region.
        service: The credential scope's service, such as `iam`.
        signed_headers: Lower-case names.
        value: 64 hexadecimal digits.
    """

    access_key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str


def read_signature(request: HttpRequest) -> Signature | None:
    """Read the request's signature without checking it; None for an unsigned request.

    Raises:
        AwsError: `IncompleteSignature` when the header cannot be read.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    match = _AUTHORIZATION.fullmatch(header)
    if match is None or "x-amz-date" not in request.headers:
        raise AwsError("IncompleteSignature", "The request signature does not conform to AWS standards.")
    headers = tuple(match["headers"].split(";"))
    return Signature(match["key"], match["region"], match["service"], headers, match["signature"])


def verify(request: HttpRequest, signature: Signature, key: AccessKey) -> None:
    """Hold a signature against the key's secret, and its date against this machine's time.

    Raises:
        AwsError: `SignatureDoesNotMatch`.
    """
    _check_date(request.headers["x-amz-date"])
    _check_body(request)
    if not {"host", "x-amz-date"} <= set(signature.signed_headers):
        raise _mismatch()
    if not hmac.compare_digest(_sign(request, signature, key), signature.value):
        raise _mismatch()


def _sign(request: HttpRequest, signature: Signature, key: AccessKey) -> str:
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    signer = SigV4Auth(credentials, signature.service, signature.region)
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.target}",
        data=request.body,
        headers={name: request.headers.get(name, "") for name in signature.signed_headers},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    text: str = signer.string_to_sign(again, signer.canonical_request(again))
    signed: str = signer.signature(text, again)
    return signed


def _check_date(stamp: str) -> None:
    # The signer's clock is a real one, whatever time the sandbox has been moved to.
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _mismatch() from None
    now = datetime.now(UTC)
    if abs(now - signed_at) > _ALLOWED_SKEW:
        raise AwsError(
            "SignatureDoesNotMatch",
            f"Signature not yet current or expired: {stamp} is not within 15 min of {now:%Y%m%dT%H%M%SZ}",
        )


def _check_body(request: HttpRequest) -> None:
    announced = request.headers.get("x-amz-content-sha256")
    if announced is not None and announced != hashlib.sha256(request.body).hexdigest():
        raise _mismatch()


def _mismatch() -> AwsError:
    return AwsError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
        " Access Key and signing method. Consult the service documentation for details.",
    )
