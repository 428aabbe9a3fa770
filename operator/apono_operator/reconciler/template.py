"""The template of a management account's stacks: ours, or the administrator's, with what it asks for."""

from __future__ import annotations

import hashlib
from pathlib import Path

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.adapters.errors import RejectedError
from apono_operator.reconciler.environment import Environment
from apono_operator.state.management_accounts import SETTING, ManagementAccount
from apono_operator.state.stack import Template
from apono_operator.state.template_summary import TemplateSummary
from apono_operator.templates import management_account
from apono_operator.v1alpha1 import Reason

BODY_LIMIT = 51_200
"""Bytes of a template that is sent (CloudFormation User Guide, "Understand CloudFormation quotas")."""


def template_of(
    environment: Environment, account: ManagementAccount, access: ManagementAccess
) -> tuple[Template, TemplateSummary]:
    """Return the template of *account* and what it asks for; asked of CloudFormation once an hour.

    Raises:
        RejectedError: it cannot be read, or is none.
        AdapterError: if AWS does not say.
    """
    moment = environment.monotonic()
    known = environment.templates.get(account.account_id)
    if known and moment < known[2] + environment.thorough_seconds:
        return known[0], known[1]
    source = _source(account)
    summary = access.stacks.template_summary(source)
    template = source if source.body else Template(_digest(f"{source.url} {summary}"), url=source.url)
    environment.templates[account.account_id] = template, summary, moment
    return template, summary


def _source(account: ManagementAccount) -> Template:
    if account.template_url:
        return Template("", url=account.template_url)
    body = _read(account.template_file) if account.template_file else management_account.text()
    return Template(_digest(body), body=body)


def _read(path: str) -> str:
    try:
        body = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        message = f"the template file {path} cannot be read ({type(error).__name__}; {SETTING})."
        raise RejectedError(Reason.REJECTED, message) from error
    if len(body.encode()) > BODY_LIMIT:
        message = f"the template file {path} has more than {BODY_LIMIT} bytes: put it at a templateUrl ({SETTING})."
        raise RejectedError(Reason.REJECTED, message)
    return body


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
