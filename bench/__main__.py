"""``python -m bench``: each saver's times as multiples of pickle's, timed in turn, as a Markdown table."""

from __future__ import annotations

import argparse
import platform
import warnings

from bench.savers import SAVERS, version
from bench.subjects import SUBJECTS, subject
from reflectio.demo.timing import measure

# A saver that takes longer than this for one turn, in seconds, is not asked again.
_PATIENCE = 5.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each saver; the median counts")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="this model; may be repeated")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = options.only or list(SUBJECTS)
    print(f"Python {platform.python_version()}, {platform.machine()}, median of {options.rounds} turns\n")
    rows = {saver.name: f"| {saver.name} {version(saver.name)} |" for saver in SAVERS}
    for name in chosen:
        figures = measure(subject(name), options.rounds, SAVERS, patience=_PATIENCE)
        base = figures["pickle"]
        for saver, taken in figures.items():
            dumps, loads = taken.dump_seconds / base.dump_seconds, taken.load_seconds / base.load_seconds
            rows[saver] += f" {dumps:.2f} / {loads:.2f} |"
        print(
            f"{name}: pickle dumps in {base.dump_seconds * 1e3:.3f} ms, loads in {base.load_seconds * 1e3:.3f} ms, "
            + ", ".join(f"{saver} {taken.nbytes / 1e3:,.1f} kB" for saver, taken in figures.items())
        )
    print("\n| dumps / loads | " + " | ".join(chosen) + " |")
    print("|---" * (len(chosen) + 1) + "|")
    print("\n".join(rows.values()))


if __name__ == "__main__":
    main()
