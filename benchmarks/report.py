"""What benchmarks find: figures with their bounds, and tables that explain them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        name: What was measured.
        measured: What came out, with its unit.
        bound: What it must be, with its unit; empty for one that is reported only.
        holds: Whether it is so; None for one that is reported only.
    """

    name: str
    measured: str
    bound: str = ""
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        """The last column of the table, in rich's markup."""
        if self.holds is None:
            return "[dim]reported[/]"
        return "[green]holds[/]" if self.holds else "[bold red]broken[/]"


@dataclass
class Report:
    """What one benchmark found.

    Attributes:
        figures: The figures.
        tables: What stands behind them.
    """

    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def add(self, name: str, measured: str, bound: str = "", *, holds: bool | None = None) -> None:
        """Add a figure; with a *bound* it needs to be told whether it *holds*."""
        self.figures.append(Figure(name, measured, bound, holds))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table; the first column holds words, the others what fits them."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def figures_table(title: str, figures: Iterable[Figure]) -> Table:
    """Figures, bounds and verdicts."""
    rows = ([one.name, one.measured, one.bound, one.verdict] for one in figures)
    return table(title, ("figure", "measured", "must be", ""), rows)


def show(console: Console, name: str, report: Report) -> None:
    """Print what a benchmark found."""
    console.print(figures_table(name, report.figures))
    for one in report.tables:
        console.print(one)
    console.print()
