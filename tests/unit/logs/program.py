"""A program that logs all kinds of lines, to be run on its own: logs belong to a process."""

from __future__ import annotations

import logging
import sys
from typing import Literal, cast

import structlog

from apono_operator import logs

SECRET = "token-that-nobody-may-see"
OWNER = {"namespace": "team-a", "connector": "production", "uid": "uid-1"}

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def main(log_format: Literal["json", "console"], level: str) -> None:
    """Log."""
    logs.configure(log_format, level)
    _log_ours()
    _log_exceptions()
    _log_kopfs()
    _log_what_libraries_say()


def _log_ours() -> None:
    log.debug("ours at debug")
    log.info("ours outside", number=1)
    with structlog.contextvars.bound_contextvars(**OWNER):
        log.info("ours inside", because="spec\nimage")
        logging.getLogger("apono_operator.plain").warning("plain %s", "inside")
    log.warning("ours afterwards")


def _log_exceptions() -> None:
    try:
        _fail(SECRET)
    except ValueError:
        log.exception("ours failed")
        logging.getLogger("kopf.objects").exception("kopf failed")


def _fail(token: str) -> None:
    hidden = {"token": token}
    raise ValueError(f"a failure of {len(hidden)}")


def _log_kopfs() -> None:
    reference = {"apiVersion": "apono.io/v1alpha1", "kind": "AponoConnector", "name": "other", "uid": "uid-2"}
    extra = {"k8s_ref": {**reference, "namespace": "team-b"}}
    logging.getLogger("kopf.objects").warning("kopf warns", extra=extra)
    logging.getLogger("kopf.objects").info("kopf informs", extra=extra)
    logging.getLogger("kopf._core.reactor.running").warning("kopf speaks of signals")


def _log_what_libraries_say() -> None:
    for name in ("botocore.endpoint", "boto3.session", "urllib3.connectionpool", "kubernetes.client.rest", "asyncio"):
        logging.getLogger(name).debug("request with %s", SECRET)
        logging.getLogger(name).info("answer with %s", SECRET)
        logging.getLogger(name).warning("%s warns", name)
    logging.getLogger("botocore.credentials").warning("refreshing credentials failed")


if __name__ == "__main__":
    main(cast("Literal['json', 'console']", sys.argv[1]), sys.argv[2])
