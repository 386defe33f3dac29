"""Joined arrays whose parts a file is read into one by one: the same comes back, and the same is refused, as from memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exactness import assert_same
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

import reflectio
from reflectio.errors import DecodeError, DocumentError
from reflectio.segment_member import ALIGNMENT
from reflectio.streamed_segment import StreamedSegment

_rng = np.random.default_rng(0)
X, y = _rng.normal(size=(200, 5)), _rng.integers(0, 3, 200)

MODELS: dict[str, Callable[[], Any]] = {
    "trees of different sizes": lambda: RandomForestClassifier(6, random_state=0).fit(X, y),
    "predictors of one size": lambda: HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=4).fit(X, y),
    "predictors of different sizes": lambda: HistGradientBoostingClassifier(max_iter=9).fit(X, y > 1),
}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No file is small, nor any part; how many parts were taken from each joined array."""
    monkeypatch.setattr("reflectio.api._AT_ONCE", 0)
    monkeypatch.setattr("reflectio.source._SMALL", -1)
    monkeypatch.setattr("reflectio.source._CHUNK", 100)
    monkeypatch.setattr("reflectio.codecs.array_places._LARGE_PART", 1)
    counts: list[int] = []
    take_parts = StreamedSegment.take_parts

    def counting(*args: Any) -> Any:
        found = take_parts(*args)
        counts.append(-1 if found is None else len(found))
        return found

    monkeypatch.setattr(StreamedSegment, "take_parts", counting)
    return counts


@pytest.mark.parametrize("name", MODELS)
def test_a_file_is_read_into_the_parts(name: str, taken: list[int], tmp_path: Path) -> None:
    model = MODELS[name]()
    reflectio.dump(model, tmp_path / "model.rfl")
    loaded = reflectio.load(tmp_path / "model.rfl")
    assert taken
    assert min(taken) > 1
    assert_same(loaded, model)
    assert reflectio.dumps(loaded) == reflectio.dumps(model)


def test_parts_of_a_model_own_their_memory(taken: list[int], tmp_path: Path) -> None:
    reflectio.dump(MODELS["predictors of one size"](), tmp_path / "model.rfl")
    nodes = [tree.nodes for trees in reflectio.load(tmp_path / "model.rfl")._predictors for tree in trees]
    assert taken
    assert all(array.flags.owndata and array.flags.writeable for array in nodes)


# Forged ---------------------------------------------------------------------------------------------------


def _forged(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> bytes:
    """A document of trees whose column of nodes, and of values, was changed; it has no digests."""
    document = reflectio.dumps(MODELS["trees of different sizes"]())
    text, segment = document.split(b"\0", 1)
    segment = document[-(-(len(text) + 1) // ALIGNMENT) * ALIGNMENT :]
    header = json.loads(text)
    columns = header["model"]["estimators_"]["columns"]["tree_"]["columns"]
    change(columns["nodes"], columns["values"])
    del header["digest"]
    header["segment"] = {"nbytes": len(segment)}
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + bytes(-len(text) % ALIGNMENT or ALIGNMENT) + segment


def _lengths(*lengths: Any) -> Callable[[Any, Any], None]:
    return lambda nodes, values: nodes.update(lengths=list(lengths))


def _described(**members: Any) -> Callable[[Any, Any], None]:
    return lambda nodes, values: nodes["array"].update(members)


FORGERIES: dict[str, Callable[[Any, Any], None]] = {
    "no lengths": lambda nodes, values: nodes.pop("lengths"),
    "too few lengths": _lengths(1, 2),
    "lengths that are too long": _lengths(*[10**6] * 6),
    "lengths without bounds": _lengths(*[2**62] * 6),
    "negative lengths": lambda nodes, values: nodes["lengths"].__setitem__(
        slice(2), [-1, sum(nodes["lengths"][:2]) + 1]
    ),
    "a length that is no number": _lengths(*"abcdef"),
    "a length of nothing": lambda nodes, values: nodes["lengths"].__setitem__(
        slice(2), [0, sum(nodes["lengths"][:2])]
    ),
    "lengths of other trees": lambda nodes, values: nodes["lengths"].reverse(),
    "values of other trees": lambda nodes, values: values["lengths"].reverse(),
    "no axes": _described(shape=[]),
    "a second axis": lambda nodes, values: nodes["array"]["shape"].append(1),
    "a huge axis": _described(shape=[2**62]),
    "fewer nodes": lambda nodes, values: nodes["array"]["shape"].__setitem__(0, 6),
    "another dtype": _described(dtype="float64"),
    "objects": _described(dtype="object"),
    "no dtype": _described(dtype={"$": "dtype", "name": "nothing"}),
    "a huge record": lambda nodes, values: nodes["array"]["dtype"].update(itemsize=2**40),
    "a record that numpy refuses": lambda nodes, values: nodes["array"]["dtype"].update(itemsize=-1),
    "fields that overlap": lambda nodes, values: nodes["array"]["dtype"].update(offsets=[0] * 8),
    "both at one place": lambda nodes, values: values["array"].update(at=nodes["array"]["at"]),
    "one array for both": lambda nodes, values: values.update(nodes),
    "beyond the segment": _described(at=1 << 40),
    "at no multiple of 64": _described(at=1),
    "at nothing": _described(at=None),
    "at a list": _described(at=[0]),
    "the same for all": lambda nodes, values: nodes.update(same=True),
    "scalars": lambda nodes, values: nodes.update(of="scalar"),
    "an id": lambda nodes, values: nodes.update({"$id": 77}),
    "a member that columns have not": lambda nodes, values: nodes.update(extra=1),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_refused_from_memory_is_refused_from_a_file(
    forgery: str, taken: list[int], tmp_path: Path
) -> None:
    document = _forged(FORGERIES[forgery])
    (tmp_path / "model.rfl").write_bytes(document)
    with pytest.raises(DecodeError) as from_memory:
        reflectio.loads(document)
    for file in (tmp_path / "model.rfl", io.BufferedReader(io.BytesIO(document))):  # type: ignore[arg-type]
        with pytest.raises(DecodeError) as from_file:
            reflectio.load(file)
        # Where arrays overlap, which of them is refused depends on the order in which they are met.
        if from_memory.type is not DocumentError:
            assert from_file.type is from_memory.type
            assert str(from_file.value) == str(from_memory.value)
        else:
            assert from_file.type is DocumentError


def test_nothing_forged_is_as_good_as_what_was_dumped(taken: list[int], tmp_path: Path) -> None:
    document = _forged(lambda nodes, values: None)
    (tmp_path / "model.rfl").write_bytes(document)
    assert_same(reflectio.load(tmp_path / "model.rfl"), reflectio.loads(document))
    assert taken == [6, 6]
