"""Structured logs: one line an event, with the object it is about; kopf's lines and ours alike."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog
from structlog.dev import plain_traceback
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

# structlog's own choices show the local variables of every frame, and so tokens.
_TRACEBACKS = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def configure(log_format: Literal["json", "console"], level: str) -> None:
    """Send all logs to standard error in *log_format*, from *level* (a name of `logging`) upwards."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_kopf_object,
    ]
    renderer: list[Processor] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for chatty in ("botocore", "boto3", "urllib3", "kubernetes", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # at debug they print requests, secrets included
    # It logs what it raises, tracebacks included; we tell what is raised.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    for engine in ("kopf", "kopf.objects"):
        logging.getLogger(engine).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    # It warns that signals are not its own, which is how we want it.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )


def _name_kopf_object(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Kopf knows the object of a line as an attribute of the record."""
    record = event.get("_record")
    reference = getattr(record, "k8s_ref", None)
    if reference:
        event.setdefault("namespace", reference.get("namespace"))
        event.setdefault("connector", reference.get("name"))
        event.setdefault("uid", reference.get("uid"))
    return event
