"""The benchmarks' own arithmetic: turns, percentiles, growth, targets, and what their report says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from bench import groups, memory, savers, tables, targets
from bench.figures import Figure, Results, Skip, exponent, percentile
from bench.groups.kept import unused
from bench.groups.memory import header_bytes, largest_array
from bench.profiles import PROFILES
from bench.session import Session, in_memory, willing
from bench.timing import Job, Timing, interleave

ROOT = Path(__file__).parents[1]


def figure(group: str, subject: str, operation: str, saver: str, value: float, unit: Any = "s") -> Figure:
    return Figure(group, subject, operation, saver, value, unit)


def zoo_of(ratios: list[float]) -> Results:
    """Figures in which reflectio takes these multiples of pickle's time."""
    results = Results(done={"zoo": 1.0})
    for number, ratio in enumerate(ratios):
        for operation in ("dumps", "loads", "size"):
            results.figures.append(figure("zoo", f"model {number}", operation, "pickle", 2e-6))
            results.figures.append(figure("zoo", f"model {number}", operation, "reflectio", ratio * 2e-6))
    return results


def row(results: Results, work: str) -> targets.Row:
    return next(one for one in targets.rows(results) if one.work == work)


# -- arithmetic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [0, 10, 50, 90, 100])
@pytest.mark.parametrize("size", [1, 2, 7, 228])
def test_percentiles_are_numpys(size: int, percent: float) -> None:
    values = np.random.default_rng(size).normal(size=size)
    assert percentile(list(values), percent) == pytest.approx(np.percentile(values, percent))


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_the_exponent_is_the_power_with_which_a_cost_grows(power: float) -> None:
    sizes = [1e6, 3e6, 2e8, 2e9]
    assert exponent(sizes, [7 * size**power for size in sizes]) == pytest.approx(power)


def test_ratios_are_of_subjects_that_both_savers_have() -> None:
    results = zoo_of([0.5, 2.0])
    results.figures.append(figure("zoo", "of pickle alone", "dumps", "pickle", 1.0))
    assert results.ratios("zoo", "dumps", "reflectio") == {"model 0": 0.5, "model 1": 2.0}


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1.5, "s", "1.50 s"),
        (0.0015, "s", "1.50 ms"),
        (1.5e-6, "s", "1.5 µs"),
        (80e6, "B", "80.0 MB"),
        (12, "B", "12 B"),
    ],
)
def test_amounts_have_the_unit_that_people_would_use(value: float, unit: Any, expected: str) -> None:
    assert tables.amount(value, unit) == expected


# -- turns --------------------------------------------------------------------------------------------------------


def test_jobs_take_turns_round_by_round_and_each_is_first_at_times() -> None:
    calls: list[str] = []
    jobs = {name: Job(lambda name=name: calls.append(name)) for name in "abc"}
    timings, errors = interleave(jobs, rounds=6, seconds=60, turn=0)
    assert not errors
    assert {len(timing.turns) for timing in timings.values()} == {6}
    # Each is called twice before the first round.
    rounds = [calls[6 + start : 9 + start] for start in range(0, 18, 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert {one[0] for one in rounds} == {"a", "b", "c"}


def test_a_job_that_fails_is_named_and_the_others_are_timed() -> None:
    timings, errors = interleave(
        {"works": Job(dict), "fails": Job(lambda: 1 / 0)}, rounds=2, seconds=1, turn=0
    )
    assert list(timings) == ["works"]
    assert isinstance(errors["fails"], ZeroDivisionError)


def test_a_job_that_takes_longer_than_its_share_is_done_once() -> None:
    now = [0.0]

    def takes(seconds: float) -> Any:
        return lambda: now.__setitem__(0, now[0] + seconds)

    jobs = {"slow": Job(takes(50.0)), "middling": Job(takes(0.5)), "quick": Job(takes(0.01))}
    timings, _ = interleave(jobs, rounds=10, seconds=1, turn=0.02, clock=lambda: now[0])
    assert timings["slow"].turns == pytest.approx((50.0,))
    # Three rounds are the least for what is not slow.
    assert len(timings["middling"].turns) == 3
    assert timings["quick"].turns == pytest.approx((0.01,) * 10)


@pytest.mark.parametrize(("minutes_ago", "rounds"), [(0, 5), (9, 3)])
def test_a_run_that_is_late_does_three_rounds_only(tmp_path: Path, minutes_ago: float, rounds: int) -> None:
    session = Session(PROFILES["default"], (), tmp_path, begun=perf_counter() - 60 * minutes_ago)
    session.time("zoo", "a model", {("pickle", "dumps"): Job(dict)}, rounds=5)
    assert [figure.rounds for figure in session.results.figures] == [rounds]


def test_what_prepares_a_call_is_not_timed() -> None:
    now = [0.0]

    def advance(seconds: float) -> Any:
        return lambda: now.__setitem__(0, now[0] + seconds)

    jobs = {"job": Job(advance(1.0), prepare=advance(100.0))}
    timings, _ = interleave(jobs, rounds=2, seconds=9, turn=0, clock=lambda: now[0])
    assert timings["job"].turns == pytest.approx((1.0, 1.0))


def test_the_best_turn_counts() -> None:
    assert Timing((3.0, 1.0, 2.0)).best == 1.0
    assert Timing((3.0, 1.0, 2.0)).median == 2.0
    with pytest.raises(ValueError, match="a turn at least"):
        Timing(())


# -- savers that cannot -------------------------------------------------------------------------------------------


def session_of(tmp_path: Path, *chosen: savers.Saver) -> Session:
    return Session(PROFILES["tiny"], chosen or savers.installed()[0], tmp_path)


def test_a_saver_that_cannot_save_a_model_is_noted_and_has_no_figures(tmp_path: Path) -> None:
    def refuses(obj: Any) -> bytes:
        raise TypeError("no models today")

    broken = savers.Saver("broken", refuses, lambda data: None, lambda obj, file: None, lambda file: None)
    forgetful = savers.Saver(
        "forgetful", lambda obj: b"x", lambda data: None, lambda obj, file: 0, lambda file: 0
    )
    session = session_of(tmp_path)
    in_memory(session, "zoo", "a model", [1], [broken, forgetful, savers.saver("pickle")])
    assert [(skip.saver, skip.subject) for skip in session.results.skips] == [
        ("broken", "a model"),
        ("forgetful", "a model"),
    ]
    assert "no models today" in session.results.skips[0].reason
    assert session.results.savers("zoo") == ["pickle"]
    assert session.results.operations("zoo") == ["size", "dumps", "loads"]


def test_a_saver_that_is_not_installed_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dill", None)
    found, missing = savers.installed()
    assert "dill" not in [saver.name for saver in found]
    assert "reflectio" in [saver.name for saver in found]
    assert "dill" in next(absent.reason for absent in missing if absent.name == "dill")


def test_slow_savers_are_not_asked_to_save_large_models(tmp_path: Path) -> None:
    slow = savers.Saver("slow", repr, eval, print, print, slow=True)  # type: ignore[arg-type]
    quick = savers.saver("pickle")
    session = session_of(tmp_path, slow, quick)
    assert willing(session, "models", "small", 10) == [slow, quick]
    assert willing(session, "models", "large", 1e9) == [quick]
    assert [(skip.saver, skip.subject) for skip in session.results.skips] == [("slow", "large")]


# -- memory -------------------------------------------------------------------------------------------------------


def test_the_peak_of_a_process_is_what_it_held_at_most(tmp_path: Path) -> None:
    model = np.arange(4e6)
    pickled = tmp_path / "pickled"
    pickled.write_bytes(__import__("pickle").dumps(model, protocol=5))
    with memory.Processes() as processes:
        own = processes.growth("own", "pickle", pickled, pickled, "neighbours")
        dumped = processes.growth("dump", "pickle", pickled, tmp_path / "file", "neighbours")
        with pytest.raises(RuntimeError, match="No such file"):
            processes.growth("load", "reflectio", pickled, tmp_path / "missing", "neighbours")
        loaded = processes.growth("load", "pickle", pickled, tmp_path / "file", "neighbours")
    assert own.kept == pytest.approx(model.nbytes, rel=0.1)
    assert loaded.peak >= loaded.kept == pytest.approx(model.nbytes, rel=0.1)
    assert dumped.peak < model.nbytes / 2


def test_a_header_ends_at_the_first_null_byte(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"{" + b" " * 70_000 + b"}" + b"\0" * 100)
    assert header_bytes(path) == 70_002
    path.write_bytes(b"{}")
    assert header_bytes(path) == 2


def test_the_largest_array_is_found_wherever_it_is() -> None:
    assert largest_array({"a": [np.zeros(3)], "b": np.zeros((10, 10))}) == 800
    assert largest_array([1, 2]) == 0


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ([np.zeros(100)], 0),
        ([np.zeros(100)[:10]], 720),
        ([np.zeros(100)[::2]], 8),
        ([np.zeros(100)[::-1]], 0),
        ((whole := np.zeros(100), whole[:10]), 0),
        ([np.frombuffer(bytes(1000), np.uint8)[:10]], 990),
        ([np.array([np.zeros(8)[:4], None], object)], 32),
    ],
)
def test_bytes_that_no_array_spans_are_counted(model: Any, expected: int) -> None:
    assert unused(model) == expected


# -- targets ------------------------------------------------------------------------------------------------------


def test_without_figures_no_target_is_measured() -> None:
    assert {(one.figure, one.met) for one in targets.rows(Results())} == {(None, None)}


def test_the_zoos_targets_are_its_median_and_its_90th_percentile() -> None:
    results = zoo_of([0.1 * number for number in range(1, 12)])
    assert row(results, "the zoo, median: dumps") == targets.Row(
        "the zoo, median: dumps", "at most 0.70x", "0.60x", True
    )
    assert row(results, "the zoo, 90th percentile: dumps").figure == "1.00x"
    assert row(results, "the zoo, 90th percentile: size").met


@pytest.mark.parametrize(("ratio", "met"), [(0.7, True), (0.704, True), (0.71, False), (float("nan"), False)])
def test_a_figure_counts_as_it_is_shown(ratio: float, met: bool) -> None:
    assert row(zoo_of([ratio]), "the zoo, median: dumps").met is met


def test_a_target_from_below_is_met_above_it() -> None:
    results = Results()
    for subject, seconds in (("a", 9.0), ("b", 12.0), ("c", 40.0)):
        results.figures.append(figure("json", subject, "dumps", "reflectio", 1.0))
        results.figures.append(figure("json", subject, "dumps", "pymilo", seconds))
    assert row(results, "JSON, median: PyMilo's dumps").met
    assert row(results, "JSON, every model: PyMilo's dumps") == targets.Row(
        "JSON, every model: PyMilo's dumps", "at least 10.00x", "9.00x", False
    )


def test_a_mapped_load_is_compared_with_reading_the_file_and_with_two_milliseconds() -> None:
    name = "80 MB of neighbours"
    results = Results(
        [
            figure("file", name, "load", "pickle", 0.02),
            figure("file", name, "load, mapped", "reflectio", 0.0002),
            figure("mapped", "1 MB", "load, mapped", "reflectio", 0.001),
            figure("mapped", "80 MB", "load, mapped", "reflectio", 0.003),
        ]
    )
    assert row(results, "the same, mapped").figure == "0.01x"
    assert row(results, "mapped load at any size, the slowest").figure == "3.00 ms"
    assert row(results, "mapped load at any size, the slowest").met is False


def test_memory_is_compared_with_the_model_or_with_the_header_and_an_array() -> None:
    name = "80 MB of neighbours"
    results = Results(
        [
            figure("memory", name, "own", "", 80e6, "B"),
            figure("memory", name, "largest array", "", 80e6, "B"),
            figure("memory", name, "header", "reflectio", 1e3, "B"),
            figure("memory", name, "peak of dump", "reflectio", 4e6, "B"),
            figure("memory", name, "peak of load", "reflectio", 160e6, "B"),
        ]
    )
    assert (
        row(results, "dump to a file: peak beyond the model, of header and largest array").figure == "0.05x"
    )
    assert row(results, "load from a file: peak, of the model's own size").figure == "1.97x"


@pytest.mark.parametrize(("power", "met"), [(1.0, True), (1.4, False)])
def test_growth_is_that_of_the_family_that_grows_faster(power: float, met: bool) -> None:
    results = Results()
    for megabytes in (1, 8, 64, 1024):
        results.figures.append(
            figure("growth", f"{megabytes:,} MB, neighbours", "load", "reflectio", megabytes / 1e3)
        )
        results.figures.append(
            figure("growth", f"{megabytes:,} MB, forest", "load", "reflectio", megabytes**power / 1e3)
        )
    found = row(results, "time of load: power of the size")
    assert (found.figure, found.met) == (f"{power:.2f}".removesuffix(".00"), met)


def test_every_target_belongs_to_a_group() -> None:
    assert {target.group for target in targets.TARGETS} <= set(groups.NAMES)


# -- the report ---------------------------------------------------------------------------------------------------


def test_the_targets_table_says_what_is_met_and_what_is_not() -> None:
    cells = {row[0]: row[1:] for row in tables.targets(zoo_of([0.8])).rows}
    assert cells["the zoo, median: dumps"] == ("at most 0.70x", "0.80x", "**not met**")
    assert cells["the zoo, median: loads"] == ("at most 1.00x", "0.80x", "met")
    assert cells["reflectio --help: processor time"] == ("at most 0.30 s", "", "not measured")


def test_a_table_of_markdown_is_a_table_again() -> None:
    found = tables.from_markdown("before\n| a | b |\n|---|--:|\n| x | `1` |\n| y | 2 |\n\nafter\n", "Figures")
    assert found == [tables.Table("Figures", ["a", "b"], [["x", "1"], ["y", "2"]])]


def test_reasons_are_counted_where_they_are_the_same() -> None:
    results = Results(skips=[Skip("zoo", f"model {n}", "pymilo", "cannot") for n in range(3)])
    results.skips.append(Skip("zoo", "model 1", "skops", "will not"))
    assert tables.skipped(results, "zoo") == [
        "pymilo on 3 models, such as model 0: cannot",
        "skops on model 1: will not",
    ]


def test_a_run_writes_a_page_that_needs_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="charts need the extra named bench")
    run = [sys.executable, "-m", "bench", "--profile", "tiny", "--output", str(tmp_path)]
    for only in (("zoo", "mapped"), ("zoo", "many")):
        options = [option for name in only for option in ("--only", name)]
        finished = subprocess.run(
            [*run, *options, "--resume"], capture_output=True, text=True, cwd=ROOT, timeout=300, check=False
        )
        assert finished.returncode == 0, finished.stderr
    assert "Targets" in finished.stdout
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4
    assert not re.search(r"""(?:src|href)=["'](?!#)|@import|url\((?!#)""", page)
    for name in ("zoo", "mapped", "many"):
        assert groups.group(name).TITLE in page
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert set(summary["done"]) == {"zoo", "mapped", "many"}
    assert {"machine", "versions", "date", "command"} <= set(summary["about"])
    # What was there was kept, not measured again.
    sizes = [
        one["subject"]
        for one in summary["figures"]
        if one["operation"] == "size" and one["saver"] == "pickle"
    ]
    assert len(sizes) == len(set(sizes)) > 1
    markdown = (tmp_path / "summary.md").read_text()
    assert "| the zoo, median: dumps | at most 0.70x |" in markdown
    assert (tmp_path / "chart.svg").read_text().startswith("<?xml")
