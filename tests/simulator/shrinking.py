"""Many stories one after the other, and the shortest one that still shows what is wrong."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from attrs import evolve

from .story import Finding, Report, Story, planned, told

_COLLECT = 40  # stories between two collections of garbage
_TRIES = 400  # how many shorter stories are tried


def many(first: int, operations: int, until: Callable[[Report], bool] = lambda _: False) -> Report:
    """Tells stories until they have so many operations, or until something is found.

    Args:
        first: the seed of the first; the others follow.
        operations: how many at least.
        until: looks at what was reported so far; whether that is enough.
    """
    report = Report()
    with _collecting_seldom() as collect:
        for seed in count(first):
            report.add(told(planned(seed)))
            if report.operations.total() >= operations or until(report):
                return report
            if seed % _COLLECT == 0:
                collect()
    raise AssertionError  # there is always another seed


@contextmanager
def _collecting_seldom() -> Iterator[Callable[[], object]]:
    """Tasks and errors are full of circles; looking for them all the time takes a fifth of it."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()


def shrunk(seed: int, finding: Finding) -> Story:
    """The shortest story found that still has such a finding: without operations, then without
    faults that it does not need."""
    story, tries = planned(seed), 0
    kind, operation = finding.kind, finding.operation.partition("-")[0]

    def shows(shorter: Story) -> bool:
        nonlocal tries
        tries += 1
        found = (one for _, one in told(shorter).findings)
        return tries <= _TRIES and any(
            one.kind == kind and one.operation.startswith(operation) for one in found
        )

    for number in story.operations:
        shorter = evolve(story, operations=tuple(one for one in story.operations if one != number))
        if shows(shorter):
            story = shorter
    is_shorter = True
    while is_shorter:
        is_shorter = False
        for number, exchanges in told(story).struck.items():
            for exchange in sorted(exchanges, reverse=True):
                spared = {**story.spared, number: {*story.spared.get(number, ()), exchange}}
                shorter = evolve(story, spared=spared)
                if shows(shorter):
                    story, is_shorter = shorter, True
    return story


def as_told(story: Story) -> list[str]:
    """A story as people read it: what was sent when, what befell it, and what is wrong."""
    report = told(story)
    findings = [f"! {one.kind}: {one.operation}: {one.text}" for _, one in report.findings]
    return [f"seed {story.seed}:", *report.log, *findings]
