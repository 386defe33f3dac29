"""The second process: loads documents, and says what the models in them predict."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import reflectio
from reflectio.demo.models import answers


def main() -> None:
    """
    Answer for each document of the command line, given as pairs of a case's name and a path.

    Writes a line of JSON for each: the answers, or the error under ``error``.
    """
    policy = reflectio.Policy.default()
    for name, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        try:
            answer = answers(name, reflectio.load(Path(path), policy=policy))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
