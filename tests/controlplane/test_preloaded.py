"""A preloaded process is what ``python -m`` would have started, but for the time that imports take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.installation import ROOT
from tests.waiting import until

PROGRAM = """
import json, os, signal, sys, threading
from program import place
told = {
    "name": __name__,
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
    "place": place.PLACE,
    "files": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],
    "threads": threading.active_count(),
}
if __name__ == "__main__":
    print(json.dumps(told), flush=True)
    if sys.argv[1] == "stay":
        signal.pause()
    sys.exit(int(sys.argv[2]))
"""
PLACE = "import os\nPLACE = os.environ.get('PLACE')\n"
DRIVER = """
import signal, sys
from pathlib import Path
from sandbox.preloaded import PreloadedProcess
given = {"PLACE": "here", "PATH": "/bin"}
def start(*arguments, log="log"):
    return PreloadedProcess("program", arguments, given, Path(log), anew=["program.place"])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program that tells of itself."""
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (package / "place.py").write_text(PLACE, encoding="utf-8")
    return tmp_path


def driven(folder: Path, course: str) -> subprocess.Popen[str]:
    """Start another process that starts preloaded ones: each has but one server of them."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PLACE": "elsewhere"}
    command = [sys.executable, "-c", DRIVER + course]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def said(folder: Path, course: str) -> str:
    with driven(folder, course) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def told(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "log").read_text(encoding="utf-8"))
    return document


def test_it_runs_as_main_with_just_its_arguments_environment_and_standard_files(folder: Path) -> None:
    said(folder, 'start("end", "0").wait(30)')

    assert told(folder) == {
        "name": "__main__",
        "arguments": ["end", "0"],
        "environment": {"PLACE": "here", "PATH": "/bin"},
        "place": "here",
        "files": [0, 1, 2],
        "threads": 1,
    }


def test_its_exit_status_is_told(folder: Path) -> None:
    assert said(folder, 'print(start("end", "7").wait(30))') == "7\n"


def test_a_killed_one_tells_the_signal(folder: Path) -> None:
    course = 'one = start("stay"); print(one.poll()); one.kill(); print(one.wait(30) == -signal.SIGKILL)'

    assert said(folder, course) == "None\nTrue\n"


def test_to_wait_for_one_that_stays_is_to_be_told_so(folder: Path) -> None:
    course = """
import subprocess
one = start("stay")
try:
    one.wait(0.1)
except subprocess.TimeoutExpired:
    print("it stays")
one.kill()
"""
    assert said(folder, course) == "it stays\n"


def test_processes_of_two_modules_are_refused(folder: Path) -> None:
    course = """
start("end", "0").wait(30)
try:
    PreloadedProcess("json.tool", (), {}, Path("log"))
except ValueError as error:
    print(error)
"""
    assert said(folder, course) == "the processes of ours run program, not json.tool\n"


def test_it_dies_with_its_starter(folder: Path) -> None:
    with driven(folder, 'one = start("stay"); print(one.pid, flush=True); one.wait()') as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        started = psutil.Process(pid)
        starter.kill()

    until("it is gone", lambda: not started.is_running() or started.status() == psutil.STATUS_ZOMBIE)


def test_the_operator_can_be_preloaded() -> None:
    """It starts no thread when it is imported, and reads nothing of what the sandbox gives but what is loaded anew."""
    names = ("KUBECONFIG", "AWS_", "APONO_")
    done = subprocess.run(
        [sys.executable, "-c", READING, *names],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout) == {"threads": 1, "readers": ["kubernetes.config.kube_config"]}


READING = """
import json, os, sys, threading
read = set()
def notice(self, name, of=type(os.environ).__getitem__):
    if name.startswith(tuple(sys.argv[1:])):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"] in ("os", "collections.abc"):
            frame = frame.f_back
        read.add(frame.f_globals["__name__"])
    return of(self, name)
type(os.environ).__getitem__ = notice
import apono_operator.__main__
print(json.dumps({"threads": threading.active_count(), "readers": sorted(read)}))
"""
