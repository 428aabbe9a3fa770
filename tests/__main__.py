"""Every check and test, one after the other: ``python -m tests``, which is what ``make test`` runs.

All of them run even if an early one fails; the last line says how many passed and failed, a check (lint, types,
generated files, coverage) counting as one. What keeps a single core busy runs beside the tests that mostly wait for
Kubernetes, and is printed once it is done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET  # our own reports
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PYTHON = sys.executable
PURE = "apono_operator.state,apono_operator.v1alpha1"
"""The pure core, whose branches the unit tests cover completely."""

BEFORE: dict[str, list[str]] = {
    "lint": [PYTHON, "-m", "ruff", "check", "--quiet"],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet"],
    "programs of the control plane": [PYTHON, "-m", "sandbox.controlplane", "build"],
}
"""Checks that end at once, and what all other tests need."""

BESIDE: dict[str, list[str]] = {
    "types": [PYTHON, "-m", "mypy", "--no-error-summary"],
    "generated reference": [PYTHON, "-m", "docs.generate", "--check"],
}
PURE_TESTS = ("tests/unit/state", "tests/unit/v1alpha1")
UNIT = [PYTHON, "-m", "coverage", "run", "--branch", f"--source={PURE}", "-m", "pytest", "-q", *PURE_TESTS]
COVERAGE = [PYTHON, "-m", "coverage", "report", "--fail-under=100", "--skip-covered", "--show-missing"]
APART = ("tests/argocd", "tests/e2e", "tests/enclosure")
"""What has a target of its own: `make test-argocd` and `make e2e`."""

OTHERS = [f"--ignore={folder}" for folder in (*PURE_TESTS, *APART)]
SWEPT = ("points", "leaked", "doubled", "not converged")
"""The figures of a sweep."""

LONG = ("tests/sweeps", "tests/scenarios")
"""What takes longest comes first, so that no worker is left alone with it in the end."""

# More workers than a small machine has cores: most tests wait for Kubernetes.
REST = [PYTHON, "-m", "pytest", "-q", "-n", "5", "--dist", "worksteal", *OTHERS, "--durations=25", *LONG, "tests"]


@dataclass(frozen=True)
class Tally:
    """How many passed and failed."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed)


def main() -> int:
    """Run everything; return 0 if nothing failed."""
    began = time.monotonic()
    total = sum(_all(), Tally())
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


def _all() -> Iterator[Tally]:
    for name, command in BEFORE.items():
        yield _check(name, command)
    with tempfile.TemporaryDirectory() as reports, ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_beside, Path(reports) / "unit.xml")
        yield _tests("all other tests", REST, Path(reports) / "rest.xml")
        yield beside.result()
        _print_sweeps(Path(reports) / "rest.xml")


def _beside(report: Path) -> Tally:
    checks = (_check(name, command, held_back=True) for name, command in BESIDE.items())
    core = _tests("tests of the pure core", UNIT, report, held_back=True)
    return sum(checks, core + _check("branches of the pure core", COVERAGE, held_back=True))


def _check(name: str, command: list[str], *, held_back: bool = False) -> Tally:
    return Tally(passed=1) if _run(name, command, held_back=held_back) == 0 else Tally(failed=1)


def _tests(name: str, command: list[str], report: Path, *, held_back: bool = False) -> Tally:
    status = _run(name, [*command, f"--junitxml={report}"], held_back=held_back)
    if not report.exists():
        return Tally(failed=1)
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 -- our own report
    tally = sum((_tally(suite) for suite in suites), Tally())
    # A run that failed without a failing test (nothing collected, an internal error) is a failure all the same.
    return tally + Tally(failed=1) if status and not tally.failed else tally


def _tally(suite: ET.Element) -> Tally:
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    return Tally(int(suite.attrib["tests"]) - failed, failed)


def _print_sweeps(report: Path) -> None:
    """Print what the sweeps over all of the operator's calls tell (`tests/sweeps`), and their total."""
    sweeps: dict[str, Counter[str]] = {}
    for told in _properties(report):
        sweeps.setdefault(told.pop("sweep"), Counter()).update({name: int(figure) for name, figure in told.items()})
    if not sweeps:
        return
    print(f"\n{'sweep':<26}" + "".join(f"{name:>15}" for name in SWEPT))
    for name, figures in {**dict(sorted(sweeps.items())), "all sweeps": sum(sweeps.values(), Counter())}.items():
        print(f"{name:<26}" + "".join(f"{figures[column]:>15}" for column in SWEPT))


def _properties(report: Path) -> Iterator[dict[str, str]]:
    """Give what each sweep has put into *report*."""
    if not report.exists():
        return
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 -- our own report
        told = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        if "sweep" in told:
            yield told


def _run(name: str, command: list[str], *, held_back: bool = False) -> int:
    """Run *command*; what it prints is printed at once, or *held_back* until it is done, so that nothing mixes."""
    began = time.monotonic()
    if not held_back:
        print(f"=== {name}", flush=True)
    output, errors = (subprocess.PIPE, subprocess.STDOUT) if held_back else (None, None)
    done = subprocess.run(command, check=False, stdout=output, stderr=errors, text=True)
    status, seconds = done.returncode, time.monotonic() - began
    told = f"\n=== {name}\n{done.stdout}" if held_back else ""
    print(f"{told}=== {name}: {'ok' if status == 0 else f'FAILED ({status})'}, {seconds:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
