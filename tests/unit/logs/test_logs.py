"""One line an event, with the connector it is about, and never a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.logs.program import OWNER, SECRET

PROGRAM = Path(__file__).with_name("program.py")
LIBRARIES = {"botocore.endpoint", "boto3.session", "urllib3.connectionpool", "kubernetes.client.rest", "asyncio"}

Line = dict[str, Any]


def run(log_format: str, level: str) -> str:
    done = subprocess.run([sys.executable, str(PROGRAM), log_format, level], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """What is logged as JSON at level info."""
    return [json.loads(line) for line in run("json", "info").splitlines()]


@pytest.fixture(scope="module")
def debug_lines() -> list[Line]:
    return [json.loads(line) for line in run("json", "debug").splitlines()]


@pytest.fixture(scope="module")
def console() -> str:
    return run("console", "info")


def find(lines: list[Line], event: str) -> Line:
    (line,) = (line for line in lines if line["event"] == event)
    return line


def events(lines: list[Line]) -> set[str]:
    return {line["event"] for line in lines}


def test_every_line_tells_when_how_severe_and_who(lines: list[Line]) -> None:
    assert lines
    for line in lines:
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None
        assert line["level"] in {"info", "warning", "error"}
        assert line["logger"]


def test_a_line_holds_what_was_logged_with_it(lines: list[Line]) -> None:
    assert find(lines, "ours outside")["number"] == 1


def test_a_line_break_in_a_value_does_not_break_the_line(lines: list[Line]) -> None:
    assert find(lines, "ours inside")["because"] == "spec\nimage"


@pytest.mark.parametrize("event", ["ours inside", "plain inside"])
def test_a_line_logged_in_a_pass_names_the_connector(lines: list[Line], event: str) -> None:
    assert find(lines, event).items() >= OWNER.items()


@pytest.mark.parametrize("event", ["ours outside", "ours afterwards"])
def test_a_line_logged_outside_a_pass_names_no_connector(lines: list[Line], event: str) -> None:
    assert not find(lines, event).keys() & OWNER.keys()


def test_a_line_of_kopf_names_the_object_it_is_about(lines: list[Line]) -> None:
    owner = {"namespace": "team-b", "connector": "other", "uid": "uid-2"}

    assert find(lines, "kopf warns").items() >= owner.items()


def test_kopf_is_quiet_but_for_warnings(lines: list[Line]) -> None:
    assert not events(lines) & {"kopf informs", "kopf speaks of signals"}


def test_at_debug_kopf_tells_all_but_what_it_thinks_of_signals(debug_lines: list[Line]) -> None:
    assert "kopf informs" in events(debug_lines)
    assert "kopf speaks of signals" not in events(debug_lines)


def test_the_level_decides_what_is_logged(lines: list[Line], debug_lines: list[Line]) -> None:
    assert "ours at debug" not in events(lines)
    assert "ours at debug" in events(debug_lines)


@pytest.mark.parametrize("event", ["ours failed", "kopf failed"])
def test_an_exception_is_structured(lines: list[Line], event: str) -> None:
    (exception,) = find(lines, event)["exception"]

    assert (exception["exc_type"], exception["exc_value"]) == ("ValueError", "a failure of 1")
    assert [frame["name"] for frame in exception["frames"]] == ["_log_exceptions", "_fail"]


def test_libraries_warn_and_say_nothing_else_even_at_debug(debug_lines: list[Line]) -> None:
    said = {line["logger"]: line["event"] for line in debug_lines if line["logger"] in LIBRARIES}

    assert said == {name: f"{name} warns" for name in LIBRARIES}


def test_what_botocore_raises_about_credentials_is_not_logged_by_it_as_well(debug_lines: list[Line]) -> None:
    assert "refreshing credentials failed" not in events(debug_lines)


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_secret_is_logged_not_even_as_a_variable_of_a_failing_function(log_format: str, level: str) -> None:
    output = run(log_format, level)

    assert "a failure of 1" in output
    assert SECRET not in output


def test_on_a_console_a_line_is_for_people(console: str) -> None:
    (line,) = (line for line in console.splitlines() if "ours inside" in line)

    assert "connector=production" in line
    assert "\x1b" not in console  # no colours for a file
    assert "Traceback (most recent call last):" in console
