"""How much a run measures: the profiles, from two minutes to thirty."""

from __future__ import annotations

from attrs import frozen

from bench.subjects import LARGE, SMALL

_TREES = ("100 deep trees", "1,000 shallow trees", "gradient boosting of 300", "histogram boosting of 300")


@frozen
class Profile:
    """
    What is measured, and how often.

    Parameters
    ----------
    minutes : float
        How long a run may take. One that is late, because the machine does other things as well, does three rounds only.
    rounds, zoo_rounds : int
        How often each saver's turn comes, for a model and for an estimator of the zoo. Three rounds are the least.
    seconds : float
        A saver that has taken more for a model, dumping or loading, sits out further rounds.
    turn : float
        The seconds that a turn should last at least: quick work is done several times in it.
    zoo_step : int
        Every so manieth estimator of the zoo is taken.
    slow_bytes : float
        Savers that write text, or a zip, are not asked to save models of more bytes than this.
    models, compressed, peaks : tuple of str
        Names of subjects: to time, to compress, and to look at the memory of.
    array_megabytes, forest_megabytes, mapped_megabytes : tuple of int
        The sizes at which growth is looked at: of one array, of many trees, and of mapped files.
    counts : tuple of int
        How many tiny estimators documents hold.
    starts : int
        How often a process is started.
    check_turns : int
        How often each document is loaded to see what checks cost; 0 to leave that out.
    """

    name: str
    minutes: float
    rounds: int
    zoo_rounds: int
    seconds: float
    turn: float
    slow_bytes: float
    models: tuple[str, ...]
    compressed: tuple[str, ...]
    peaks: tuple[str, ...]
    array_megabytes: tuple[int, ...]
    forest_megabytes: tuple[int, ...]
    mapped_megabytes: tuple[int, ...]
    starts: int
    check_turns: int
    counts: tuple[int, ...] = (10, 100, 1_000, 10_000)
    zoo_step: int = 1


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "tiny",
            minutes=1,
            rounds=1,
            zoo_rounds=1,
            seconds=0.1,
            turn=0.0005,
            slow_bytes=1e5,
            models=("linear regression",),
            compressed=("linear regression",),
            peaks=("1 MB of neighbours",),
            array_megabytes=(1, 2),
            forest_megabytes=(1, 2),
            mapped_megabytes=(1, 2),
            starts=1,
            check_turns=0,
            counts=(2, 4),
            zoo_step=60,
        ),
        Profile(
            "short",
            minutes=2,
            rounds=7,
            zoo_rounds=3,
            seconds=0.5,
            turn=0.0015,
            slow_bytes=3e5,
            models=SMALL + LARGE,
            compressed=("100 deep trees",),
            peaks=("80 MB of neighbours", "100 deep trees"),
            array_megabytes=(1, 8, 64, 256),
            forest_megabytes=(1, 8, 64, 128),
            mapped_megabytes=(1, 10, 80, 320),
            starts=2,
            check_turns=2,
        ),
        Profile(
            "default",
            minutes=10,
            rounds=15,
            zoo_rounds=7,
            seconds=1.5,
            turn=0.003,
            slow_bytes=1e7,
            models=SMALL + LARGE,
            compressed=("100 deep trees", "histogram boosting of 300", "60,000 words"),
            peaks=("80 MB of neighbours", "100 deep trees", "270 MB forest", "60,000 words"),
            array_megabytes=(1, 8, 64, 256, 1024),
            forest_megabytes=(1, 8, 64, 256, 512),
            mapped_megabytes=(1, 10, 80, 320, 1024),
            starts=3,
            check_turns=5,
        ),
        Profile(
            "full",
            minutes=30,
            rounds=25,
            zoo_rounds=20,
            seconds=4.0,
            turn=0.004,
            slow_bytes=1e8,
            models=SMALL + LARGE,
            compressed=(*_TREES, "60,000 words", "80 MB of neighbours"),
            peaks=("80 MB of neighbours", "100 deep trees", "270 MB forest", "60,000 words"),
            array_megabytes=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048),
            forest_megabytes=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048),
            mapped_megabytes=(1, 10, 80, 320, 1024, 2048),
            starts=9,
            check_turns=11,
        ),
    )
}
