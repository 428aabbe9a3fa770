"""``python -m benchmarks``: all of them, or those that are named; status 1 when a bound is broken."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import click
from rich.console import Console

from benchmarks import authorisation, crowd, denial, fleet, latency, machine, organization, role_calls, steady
from benchmarks.report import Figure, Report, figures_table, show
from benchmarks.waiting import NotSeenError
from sandbox.controlplane import CommandError, ControlPlane, ControlPlaneError
from sandbox.installation import CRD
from sandbox.operator_process import OperatorEndedError
from sandbox.surroundings import Surroundings, surroundings

WIDTH: Final = 120


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: what it is about, about how long it takes, what runs it, and whether only if it is named."""

    about: str
    seconds: int
    measure: Callable[[Surroundings], Report]
    if_named: bool = False


BENCHMARKS: Final = {
    "resync": Benchmark("a resync with nothing to do: AWS calls, Kubernetes writes", 35, steady.measure_resync),
    "restart": Benchmark("an operator's restart with nothing to do", 10, steady.measure_restart),
    "calls": Benchmark("AWS calls to create and to delete a role, and why each", 25, role_calls.measure),
    "authorisation": Benchmark("deciding whether a call is allowed, beside the whole call", 15, authorisation.measure),
    "latency": Benchmark("from apply until role, ServiceAccount and Deployment exist, by step", 30, latency.measure),
    "denied": Benchmark("AccessDenied for half a minute: writes meanwhile, Ready after mending", 70, denial.measure),
    "crowd": Benchmark("100 connectors at once, with the default limit on IAM calls and without", 220, crowd.measure),
    "organization": Benchmark(
        "mode Organization: a resync, 100 connectors, 200 member accounts", 330, organization.measure
    ),
    "memory": Benchmark("memory with up to 1,000 connectors, and what one more costs", 400, fleet.measure),
    "memory-5000": Benchmark(
        "memory with 5,000 connectors, only if it is named", 2400, fleet.measure_largest, if_named=True
    ),
}
"""In the order in which they run: those that fill the control plane come last."""


@click.command()
@click.argument("selected", nargs=-1, metavar="[NAME]...")
@click.option("--list", "listing", is_flag=True, help="Tell their names and run none.")
def main(selected: tuple[str, ...], *, listing: bool) -> None:
    """Measure the operator on a control plane and an AWS of its own; NAMEs choose some benchmarks."""
    unknown = set(selected) - set(BENCHMARKS)
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if listing:
        for name, benchmark in BENCHMARKS.items():
            click.echo(f"{name:<13} {benchmark.about} (about {benchmark.seconds} s)")
        return
    try:
        sys.exit(0 if run(Console(width=WIDTH), selected or _usual()) else 1)
    except ControlPlaneError as error:
        raise click.ClickException(str(error)) from error


def _usual() -> tuple[str, ...]:
    return tuple(name for name, benchmark in BENCHMARKS.items() if not benchmark.if_named)


def run(console: Console, selected: tuple[str, ...]) -> bool:
    """Run the *selected* benchmarks; return whether every bound holds.

    Raises:
        ControlPlaneError: the control plane did not come up, or a part of it died.
    """
    began = time.monotonic()
    figures: list[Figure] = []
    console.print(machine.described())
    with ControlPlane.start(crds=[CRD]) as control_plane, surroundings(control_plane) as around:
        for name in [name for name in BENCHMARKS if name in selected]:
            console.print(f"[dim]{name}: {BENCHMARKS[name].about}, about {BENCHMARKS[name].seconds} s …[/]")
            report = measured(console, name, BENCHMARKS[name], around)
            show(console, name, report)
            figures += report.figures
    console.print(f"[dim]after {time.monotonic() - began:.0f} s:[/]")
    return conclude(console, figures)


def measured(console: Console, name: str, benchmark: Benchmark, around: Surroundings) -> Report:
    """Run one benchmark; one that cannot be brought to its end is a broken figure, and the others go on."""
    try:
        return benchmark.measure(around)
    except (NotSeenError, CommandError, OperatorEndedError) as error:
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
        console.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
        return Report([Figure(f"{name}: {benchmark.about}", "not measured, see above", holds=False)])


def conclude(console: Console, figures: Sequence[Figure]) -> bool:
    """Print all figures, and which of them break their bound; return whether none does."""
    console.print(figures_table("All figures", figures))
    broken = [figure.name for figure in figures if figure.holds is False]
    console.print(f"[bold red]Broken: {'; '.join(broken)}[/]" if broken else "[bold green]Every bound holds.[/]")
    return not broken


if __name__ == "__main__":
    main()
