"""Prints, at the end of a run, how many estimators of the zoo were tried and came back exactly."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

# What a shell starts in the background ignores interrupts, and so do the commands that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Commands and data, some of which need packages that the tests do without.
collect_ignore_glob = ["fuzz/*", "attacks/*"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    _summarise_conversions(terminalreporter)
    outcomes: Counter[str] = Counter()
    estimators = set()
    for category in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(category, ()):
            properties = dict(_properties(report))
            if "zoo" in properties and report.when == "call":
                estimators.add(properties["zoo"].partition(" on ")[0])
                outcomes[properties.get("zoo_outcome", "not exact")] += 1
    if outcomes:
        terminalreporter.section("the zoo")
        terminalreporter.write_line(
            f"{len(estimators)} estimators and combinations, {sum(outcomes.values())} trainings tried:"
        )
        for outcome, count in sorted(outcomes.items()):
            terminalreporter.write_line(f"  {count:5d}  {outcome}")


def _properties(report: Any) -> list[tuple[str, Any]]:
    """What a test recorded of itself; a module that was skipped as a whole is reported as well, without any."""
    return getattr(report, "user_properties", [])


def _summarise_conversions(terminalreporter: Any) -> None:
    """Say how many files of estimators of the zoo were converted exactly, by where they came from."""
    conversions = Counter(
        value
        for report in terminalreporter.stats.get("passed", ())
        if getattr(report, "when", None) == "call"
        for name, value in _properties(report)
        if name == "conversions"
    )
    if conversions:
        terminalreporter.section("conversions")
        terminalreporter.write_line(f"{sum(conversions.values())} files converted exactly, from:")
        for origin, count in sorted(conversions.items()):
            terminalreporter.write_line(f"  {count:5d}  {origin}")
