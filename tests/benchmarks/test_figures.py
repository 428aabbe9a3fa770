"""The quick benchmarks hold with every run of the tests; the slow ones are known to their command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import authorisation, role_calls, steady
from benchmarks.__main__ import BENCHMARKS, Benchmark, conclude, main, measured
from benchmarks.report import Figure, Report
from benchmarks.steady import looks_of
from benchmarks.waiting import until
from sandbox.aws import FrontDoor
from sandbox.controlplane import ControlPlane
from sandbox.surroundings import Surroundings, surroundings
from tests.docs.pages import page


@pytest.fixture(scope="session")
def around(control_plane: ControlPlane) -> Iterator[Surroundings]:
    with surroundings(control_plane) as around:
        yield around


def verdicts(report: Report) -> dict[str, tuple[str, bool]]:
    return {one.name: (one.measured, one.holds) for one in report.figures if one.holds is not None}


def test_a_steady_resync_costs_two_calls_and_no_write(around: Surroundings) -> None:
    found = verdicts(steady.measure_resync(around, connectors=2, resyncs=1))

    assert len(found) == 2
    assert all(holds for _, holds in found.values()), found


def test_a_restart_with_nothing_to_do_writes_nothing(around: Surroundings) -> None:
    found = verdicts(steady.measure_restart(around, connectors=3))

    assert len(found) == 1
    assert all(holds for _, holds in found.values()), found


def test_a_role_comes_and_goes_with_the_fewest_calls(around: Surroundings) -> None:
    found = verdicts(role_calls.measure(around, tries=1))

    assert len(found) == 2
    assert all(holds for _, holds in found.values()), found


def test_deciding_whether_a_call_is_allowed_takes_little_of_it(around: Surroundings) -> None:
    found = verdicts(authorisation.measure(around, connectors=2))

    ((share, _),) = found.values()  # whether it holds is for an idle machine to say
    assert float(share.removesuffix("%")) > 0


def test_the_command_lists_every_benchmark() -> None:
    told = CliRunner().invoke(main, ["--list"])

    assert told.exit_code == 0
    assert [line.split()[0] for line in told.output.splitlines()] == list(BENCHMARKS)


def test_the_documentation_explains_every_benchmark() -> None:
    _, _, meanings = page("docs/benchmarks.md").text.partition("## What each figure means")

    assert [name for name in BENCHMARKS if f"| `{name}` |" not in meanings] == []


def test_a_name_that_is_none_is_refused() -> None:
    told = CliRunner().invoke(main, ["speed"])

    assert told.exit_code == 2
    assert "speed; there are resync, restart" in told.output


@pytest.mark.parametrize(("holds", "verdict"), [(True, True), (None, True), (False, False)])
def test_a_broken_bound_is_told_at_the_end(holds: bool | None, verdict: bool) -> None:  # noqa: FBT001 -- parameters
    console = Console(record=True)

    assert (
        conclude(console, [Figure("fine", "1", "<= 1", holds=True), Figure("that one", "2", "<= 1", holds)]) is verdict
    )
    assert ("Broken: that one" in console.export_text()) is not verdict


def test_looks_begin_with_get_role_and_are_told_apart_by_role() -> None:
    with FrontDoor() as aws:
        iam = aws.create_account().client("iam")
        for role in ("a", "b", "a"):
            with pytest.raises(iam.exceptions.NoSuchEntityException):
                iam.get_role(RoleName=role)
            with pytest.raises(iam.exceptions.NoSuchEntityException):
                iam.list_attached_role_policies(RoleName=role)
        calls = aws.calls.all()

    assert looks_of(calls) == [["GetRole", "ListAttachedRolePolicies"]] * 3


def test_what_cannot_be_measured_is_a_broken_figure(around: Surroundings) -> None:
    def wait_in_vain(_: Surroundings) -> Report:
        until("the moon is blue", lambda: False, 0.1)
        return Report()

    console = Console(record=True)
    report = measured(console, "moon", Benchmark("its colour", 1, wait_in_vain), around)

    assert [figure.holds for figure in report.figures] == [False]
    assert "the moon is blue" in console.export_text()
