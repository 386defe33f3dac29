"""A short run of the fuzzer over the zoo; the long one is a command of its own."""

from __future__ import annotations

from fuzz.__main__ import fuzz


def test_forged_documents_of_the_zoo_are_refused_or_harmless():
    outcomes, failures = fuzz(cases=1200, seed=7)
    assert failures == []
    assert outcomes["refused"] + outcomes["used"] + outcomes["SLOW"] == 1200
    # A fuzzer whose documents are all refused, or all accepted, looks at nothing.
    assert min(outcomes["refused"], outcomes["used"]) > 300
