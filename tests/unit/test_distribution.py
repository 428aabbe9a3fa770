"""What each worker of a whole run begins with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.distribution import LONG, dealt

FILES = st.dictionaries(
    st.builds("{}test_{}.py".format, st.sampled_from([*LONG, "tests/docs/"]), st.integers(0, 30)),
    st.integers(1, 12),
    max_size=20,
)


@dataclass(frozen=True)
class Item:
    nodeid: str

    @property
    def file(self) -> str:
        return self.nodeid.partition("::")[0]

    @property
    def seconds(self) -> float:
        return next((seconds for folder, seconds in LONG.items() if self.nodeid.startswith(folder)), 0)


def items(files: dict[str, int]) -> list[Item]:
    return [Item(f"{file}::test_{number}") for file, tests in files.items() for number in range(tests)]


def parts(tests: list[Item], workers: int) -> list[list[Item]]:
    """What `worksteal` gives each worker at first."""
    given_out: list[list[Item]] = []
    for left in range(workers, 0, -1):
        size = len(tests) // left
        given_out.append(tests[:size])
        tests = tests[size:]
    return given_out


@given(FILES, st.integers(1, 6))
def test_every_test_is_dealt_out_once(files: dict[str, int], workers: int) -> None:
    assert Counter(dealt(items(files), workers)) == Counter(items(files))


@given(FILES, st.integers(1, 6))
def test_the_tests_of_a_file_stay_together_in_their_order(files: dict[str, int], workers: int) -> None:
    long = [item for item in dealt(items(files), workers) if item.seconds]

    starts = [number for number, item in enumerate(long) if number == 0 or item.file != long[number - 1].file]
    assert len(starts) == len({item.file for item in long})
    for file in {item.file for item in long}:
        assert [item for item in long if item.file == file] == items({file: files[file]})


def test_each_worker_begins_with_its_share_of_the_long_tests() -> None:
    tests = items({"tests/sweeps/test_a.py": 2, "tests/scenarios/test_b.py": 4, "tests/docs/test_c.py": 14})

    first, second = parts(dealt(tests, 2), 2)

    assert [item.file for item in first] == ["tests/sweeps/test_a.py"] * 2 + ["tests/docs/test_c.py"] * 8
    assert [item.file for item in second] == ["tests/scenarios/test_b.py"] * 4 + ["tests/docs/test_c.py"] * 6


@given(st.integers(1, 5), st.integers(0, 9))
def test_no_share_is_longer_than_another_by_more_than_a_file(workers: int, files: int) -> None:
    tests = items({f"tests/scenarios/test_{number}.py": 3 for number in range(files)} | {"tests/docs/test_c.py": 200})

    seconds = [sum(item.seconds for item in part) for part in parts(dealt(tests, workers), workers)]

    assert max(seconds) - min(seconds) <= 3 * LONG["tests/scenarios/"]
