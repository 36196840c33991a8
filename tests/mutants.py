"""Runs mutmut, where `make mutants` has laid the sources, and judges: `mutants.py '*._uploads.*'`.

Prints what no test noticed, and by module the share that was; fails where it is less than nine in
ten. mutmut has pytest collect the tests anew for every mutant, which would take this suite a night.
Here they are collected once, and each mutant is tried in a fork of the process that did. It is
called noticed only if a test fails, passes without it, and fails with it again.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

import mutmut.__main__ as mutmut
import pytest
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import ForkServerRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NOTICED = {"killed", "timeout"}  # one that never ends is noticed too
LEAST = 0.9
AT_ONCE = 4 * (os.cpu_count() or 1)
"""Mutants that are tried at once: most tests wait for something, above all those of a mutant."""
HANG = 15
"""Seconds after which a test has failed; the longest takes four."""
PATIENCE = 20
"""Seconds of tests that pass, after which a mutant counts as one that no test notices."""
MEMORY = 4 << 30
"""Bytes that a mutant may take: some of them read without an end."""


class CollectedOnce(ForkServerRunner):
    """mutmut's server of forks, run within the one session of pytest that has collected.

    A test that fails without a mutant ends nothing here, for it proves nothing later; and as each
    proof is tried without the mutant, nothing has to be tried so beforehand.
    """

    def collect_stats(self, tests: Iterable[str] | None) -> int:
        code: int = super().collect_stats(tests)
        return 0 if code == pytest.ExitCode.TESTS_FAILED else code

    def run_clean_tests(self, tests: Iterable[str]) -> int:
        return 0

    def run_forced_fail(self) -> int:
        return 1

    def _forkserver_main(self, work_fd: int, result_fd: int) -> None:
        serve = super()._forkserver_main

        def serve_within(session: pytest.Session) -> None:
            self.test_runner_class, self.test_runner_args = Forked, {"session": session}
            gc.collect()
            gc.freeze()
            serve(work_fd, result_fd)
            os._exit(0)  # nothing was run in this process, so that pytest has nothing to sum up

        mine = [*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection]
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), change_cwd("mutants"):
            pytest.main(
                ["--rootdir=.", "--capture=sys", *mine, f"--timeout={HANG}"],
                plugins=[_Loop(serve_within)],
            )


class _Loop:
    def __init__(self, serve: Callable[[pytest.Session], None]) -> None:
        self._serve = serve

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        self._serve(session)


class Whole(PytestRunner):
    """Runs all tests, to learn which of them reach what, and how long they take."""

    def _pytest_args_regular_run(self, tests: Iterable[str]) -> list[str]:
        return [arg for arg in super()._pytest_args_regular_run(tests) if arg != "-x"]


class Forked(PytestRunner):
    """Runs tests that are collected already."""

    def __init__(self, session: pytest.Session) -> None:
        super().__init__()
        self._plugins = session.config.pluginmanager
        self._items = {item.nodeid: item for item in session.items}

    def warm_up(self) -> None:
        """Nothing is left to do: all is imported."""

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """In a process of its own: 1 as soon as a test has noticed the mutant, 0 if none does."""
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        watch, killers = _Watch(), _Killers(str(mutant_name))
        self._plugins.register(watch)
        ends = time.monotonic() + PATIENCE
        with TemporaryDirectory() as folder:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = folder  # of `tmp_path`, for this process alone
            items = [self._items[test] for test in killers.first(tests)]
            for item, following in zip_longest(items, items[1:]):
                if time.monotonic() > ends:
                    break
                if watch.passes(item, following):
                    continue
                set_mutant_under_test("")
                passes_without = watch.passes(item, following)
                set_mutant_under_test(str(mutant_name))
                if passes_without and not watch.passes(item, following):
                    killers.add(item.nodeid)
                    return 1
        return 0


class _Watch:
    def __init__(self) -> None:
        self._failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    def passes(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self._failed = False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self._failed


class _Killers:
    """Which tests come first: those that noticed other mutants of the function, then of its module.

    Then come the tests of its room, then the others, the fastest first.
    """

    def __init__(self, mutant: str) -> None:
        self._function = mangled_name_from_mutant_name(mutant)
        self._home = f"tests/{self._function.split('.')[1].strip('_')}/"
        self._file = Path("killers.txt")

    def first(self, tests: Iterable[str]) -> list[str]:
        of_function, of_module = Counter[str](), Counter[str]()
        for function, test in self._lines():
            of_function[test] += function == self._function
            of_module[test] += _module(function) == _module(self._function)
        durations = state().duration_by_test

        def place(test: str) -> tuple[int, int, bool, float]:
            at_home = test.startswith(self._home)
            return -of_function[test], -of_module[test], not at_home, durations[test]

        return sorted(tests, key=place)

    def add(self, test: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:  # one write, which no other cuts
            file.write(f"{self._function}\t{test}\n")

    def _lines(self) -> Iterator[list[str]]:
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                yield line.split("\t")


def _module(function: str) -> str:
    return function.rpartition(".")[0]


def main(patterns: list[str]) -> int:
    def runner(max_workers: int) -> CollectedOnce:
        return CollectedOnce(max_workers, Whole, {})

    with patch.object(mutmut, "get_mutant_runner", runner):  # it has no setting for that
        mutmut._run(patterns, AT_ONCE)
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for _, mutant, code in mutmut.collect_source_file_mutation_data(mutant_names=patterns)[0]:
        fate = status_by_exit_code[code]
        modules[mutant.split(".")[1]][fate in NOTICED] += 1
        if fate not in NOTICED:
            print(f"{fate}: mutmut show {mutant}")
    shares = {module: noticed[True] / noticed.total() for module, noticed in modules.items()}
    for module, share in sorted(shares.items()):
        print(f"{module:12} {share:6.1%} of {modules[module].total()} noticed")
    return 0 if min(shares.values()) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
