"""References that multiply what a document holds: what is not looked at as a whole would have passed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from exactness import assert_same

import reflectio
from reflectio import decoder
from reflectio.policy import Policy

DOCUMENTS = 3_000

_TAGS = ("list", "tuple", "dict", "sklearn.preprocessing.StandardScaler")


class _Forger:
    """Nests lists, tuples, dicts and estimators that refer to each other."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids = 0
        self._few = rng.random() < 0.5

    def node(self, depth: int) -> Any:
        rng = self._rng
        kind = rng.random()
        if depth > 5 or kind < 0.3:
            return rng.choice([1, "x", None, [1, 2], 0.5])
        if self._ids and kind < 0.6:
            return {"$": "ref", "id": rng.randrange(self._ids + (rng.random() < 0.1))}
        if kind < 0.7:
            return [self.node(depth + 1) for _ in range(rng.randrange(4))]
        return self._tagged(depth)

    def _tagged(self, depth: int) -> Any:
        rng = self._rng
        tag = rng.choice(_TAGS)
        node: dict[str, Any] = {"$": tag}
        if rng.random() < 0.6:
            node["$id"] = self._ids
            self._ids += 1
        count = rng.randrange(1, 3 if self._few else 5)
        if tag == "dict":
            node["items"] = [[f"k{i}", self.node(depth + 1)] for i in range(count)]
        elif tag in ("list", "tuple"):
            node["items"] = [self.node(depth + 1) for _ in range(count)]
        else:
            node |= {f"a{i}": self.node(depth + 1) for i in range(count)}
        return node


def _chain(rng: random.Random) -> Any:
    """Each links to the next a few times: some multiply too much, and some do not."""
    tag, times = rng.choice(_TAGS[:2]), rng.randrange(1, 4)
    model: Any = {"$": "list", "$id": 0, "items": [1] * rng.randrange(1, 30)}
    for number in range(1, rng.randrange(2, 16)):
        refs = [{"$": "ref", "id": number - 1} for _ in range(times)]
        model = {"$": tag, "$id": number, "items": [model, *refs]}
    return model


def _loaded(text: str, policy: Policy) -> tuple[Any, str]:
    try:
        return reflectio.loads(text, policy=policy), ""
    except reflectio.ReflectioError as error:
        # The place is where it was noticed, which may come later.
        return None, f"{type(error).__name__}: {error.message}"


def test_a_document_is_refused_as_if_it_were_always_looked_at(tmp_path, monkeypatch):
    path = tmp_path / "policy.toml"
    path.write_text("[limits]\nnodes = 20000\n")
    policy = Policy.from_file(path)
    rng = random.Random(7)
    looked, outcomes = 0, {"loaded": 0, "multiplies": 0, "otherwise": 0}
    check = decoder.check_expansion

    def counted(*args: Any) -> None:
        nonlocal looked
        looked += 1
        check(*args)

    monkeypatch.setattr(decoder, "check_expansion", counted)
    skipped = 0
    for _ in range(DOCUMENTS):
        model = _chain(rng) if rng.random() < 0.2 else [_Forger(rng).node(0) for _ in range(1)]
        text = json.dumps({"reflectio": 1, "versions": {}, "model": model})
        found, error = _loaded(text, policy)
        before, looked = looked, 0
        with monkeypatch.context() as context:
            context.setattr(decoder, "WAYS", 0)
            always, expected = _loaded(text, policy)
        skipped += looked > before
        looked = 0
        assert error == expected, text
        if not error:
            assert_same(found, always)
        outcomes["multiplies" if "multipl" in error else "otherwise" if error else "loaded"] += 1
    assert skipped > DOCUMENTS // 50, skipped
    assert min(outcomes.values()) > DOCUMENTS // 50, outcomes


@pytest.mark.parametrize("tag", ["list", "tuple"])
def test_lists_that_lead_back_in_two_ways_are_refused_with_few_references(tag):
    inner = {"$": tag, "items": [{"$": "ref", "id": 0}, {"$": "ref", "id": 0}]}
    model = {"$": "list", "$id": 0, "items": [inner]}
    with pytest.raises(reflectio.LimitError, match="more than one way"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}))


def test_a_list_that_another_holds_twice_and_leads_back_to_it_is_refused():
    inner = {"$": "list", "$id": 1, "items": [{"$": "ref", "id": 0}]}
    model = {"$": "list", "$id": 0, "items": [inner, {"$": "ref", "id": 1}]}
    with pytest.raises(reflectio.LimitError, match="more than one way"):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model}))


# -- what the whole document must show ----------------------------------------------------------------------------

_LINKS = 40


def _ref(number: int) -> dict[str, Any]:
    return {"$": "ref", "id": number}


def _listed(number: int, items: list[Any]) -> dict[str, Any]:
    return {"$": "list", "$id": number, "items": items}


def _links() -> list[Any]:
    """Lists that each hold the next twice."""
    return [_listed(i, [_ref(i + 1)] * 2 if i < _LINKS else []) for i in range(1, _LINKS + 1)]


def _refuses(model: Any, error: type[Exception], match: str, **others: Any) -> None:
    with pytest.raises(error, match=match):
        reflectio.loads(json.dumps({"reflectio": 1, "versions": {}, "model": model, **others}))


_NUMBER = {"$": "ndarray", "dtype": "float64", "shape": [1], "data": [1.0]}
_OBJECT = {"$": "dtype", "name": "object"}


@pytest.mark.parametrize(
    "before",
    [[_ref(1)], [_ref(1), _ref(200)], [_ref(200), _ref(1)]],
)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("within", [False, True])
def test_what_is_described_twice_is_refused_where_it_is_built_early(before, swapped, within):
    # Which of both is built depended on the one that was met first, and that was another than the one looked at.
    ones, others = _links(), [_listed(i, []) for i in range(1, _LINKS + 1)]
    if swapped:
        ones, others = others, ones
    hidden = _listed(200, [others])
    _refuses(
        [*before, ones, hidden] if within else [*before, hidden, ones], reflectio.DocumentError, "given twice"
    )


@pytest.mark.parametrize(
    "hiding",
    [
        {**_NUMBER, "offset": _links()},
        {**_NUMBER, "writeable": _links()},
        {**_NUMBER, "name": "numpy.matrix", "shape": [1, 1], "data": [[1.0]], "state": {"foo": _links()}},
        {"$": "ndarray", "dtype": _OBJECT, "shape": [_LINKS], "data": _links()},
        {"$": "ndarray", "dtype": {**_OBJECT, "$id": 99}, "shape": [_LINKS], "data": _links()},
        {"$": "ndarray", "dtype": _ref(99), "shape": [_LINKS], "data": _links()},
        {**_NUMBER, "base": {**_NUMBER}, "offset": 0, "strides": [8], "data": _links()},
    ],
)
def test_links_within_arrays_are_followed(hiding):
    before = [{**_OBJECT, "$id": 99}] if hiding["dtype"] == _ref(99) else []
    _refuses([*before, _ref(1), hiding], reflectio.LimitError, "multiply")


def test_rows_built_after_all_references_count():
    rows = {
        "$": "rows",
        "of": "sklearn.preprocessing.StandardScaler",
        "count": 40_000,
        "columns": {"copy": True},
    }

    def named(number: int, value: Any) -> dict[str, Any]:
        return {"$": "dict", "$id": number, "items": [[0, value]]}

    objects = [named(2, [_ref(1)] * 60), named(1, [rows])]
    _refuses([_ref(2)] * 60, reflectio.LimitError, "multiply", objects=objects)
