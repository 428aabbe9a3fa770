"""Requests signed by hand, for what an SDK would never send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor
    from sandbox.aws.identity.callers import AccessKey

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def code(self) -> str | None:
        return ET.fromstring(self.body).findtext(".//{*}Code")  # noqa: S314 -- our own server's answer


def form(service: str, operation: str, **fields: str) -> str:
    return urlencode({"Action": operation, "Version": VERSIONS.get(service, ""), **fields})


def signed_headers(
    url: str,
    key: AccessKey,
    body: str,
    service: str = "iam",
    region: str = "us-east-1",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a signed POST."""
    request = AWSRequest("POST", f"{url}/", headers={"Content-Type": FORM, **(headers or {})}, data=body)
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def send(aws: FrontDoor, body: str, headers: Mapping[str, str], method: str = "POST", path: str = "/") -> Answer:
    """Send a request as it is."""
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request(method, aws.endpoint_url + path, body=body, headers=dict(headers))
        return Answer(response.status, response.data.decode(), response.headers)
