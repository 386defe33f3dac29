"""Every estimator of scikit-learn goes out to a document and comes back the same, to the bit."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import behaviour
import numpy as np
import pytest
import zoo
from exactness import assert_same
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

import reflectio

FORMATS = ("binary", "json")
NAMES = zoo.instance_names()
CASES = zoo.combinations()


def _each(applies: Any = lambda estimator: True) -> Any:
    """Parametrise over the instances that a test applies to."""
    chosen = [index for index, estimator in enumerate(zoo.instances()) if applies(estimator)]
    return pytest.mark.parametrize("index", chosen, ids=[NAMES[index] for index in chosen])


def _has_parameter(name: str) -> Any:
    return lambda estimator: name in estimator.get_params()


# The zoo's own functions stand for a user's module.
POLICY = reflectio.Policy.default().extend(callables=["zoo.numeric_columns", "zoo.clip_at_one"])


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _round_trip(estimator: Any, format: str) -> Any:
    document = reflectio.dumps(estimator, format=format)
    loaded = reflectio.loads(document, policy=POLICY)
    assert reflectio.dumps(loaded, format=format) == document
    return loaded


def _assert_exact(estimator: Any, data: tuple[Any, ...] | None, format: str) -> None:
    loaded = _round_trip(estimator, format)
    assert_same(loaded, estimator)
    assert behaviour.description(loaded) == behaviour.description(estimator)
    assert_same(loaded.get_params(deep=False), estimator.get_params(deep=False))
    if data is not None:
        # Asking may change an estimator's random state, so both are asked once, and the same things.
        expected = behaviour.outputs(estimator, data)
        assert_same(behaviour.outputs(loaded, data), expected)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_an_unfitted_estimator_comes_back_the_same(index, format):
    estimator = zoo.fresh(index)
    _assert_exact(estimator, None, format)
    loaded = _round_trip(estimator, format)
    assert_same(clone(loaded).get_params(deep=False), clone(estimator).get_params(deep=False))


@pytest.mark.parametrize("kind", zoo.KINDS)
@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_a_fitted_estimator_comes_back_the_same(index, kind, record_property):
    record_property("zoo", f"{NAMES[index]} on {kind}")
    for format in FORMATS:
        try:
            estimator, data = zoo.fitted(index, kind)
        except zoo.UnsuitableDataError as reason:
            record_property("zoo_outcome", f"not for {kind} data: {str(reason).partition(':')[0]}")
            pytest.skip(str(reason))
        _assert_exact(estimator, data, format)
    record_property("zoo_outcome", "exact")


@_each(lambda estimator: hasattr(estimator, "set_output"))
def test_an_estimator_that_gives_frames_comes_back_the_same(index):
    try:
        estimator, data = zoo.fitted(index, "frame")
    except zoo.UnsuitableDataError as reason:
        pytest.skip(str(reason))
    estimator.set_output(transform="pandas")
    for format in FORMATS:
        _assert_exact(estimator, data, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_combination_comes_back_the_same(case, format, record_property):
    record_property("zoo", case.name)
    estimator, data = zoo.fit(case)
    _assert_exact(estimator, data, format)
    record_property("zoo_outcome", "exact")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_unfitted_combination_comes_back_the_same(case):
    estimator, _ = case.make()
    for format in FORMATS:
        _assert_exact(estimator, None, format)


@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_paths_file_objects_and_mappings_give_the_same_as_bytes(index, tmp_path):
    estimator, _ = zoo.fitted(index, "float64")
    document = reflectio.dumps(estimator)
    path = tmp_path / "model.rfl"
    reflectio.dump(estimator, path)
    assert path.read_bytes() == document
    buffer = io.BytesIO()
    reflectio.dump(estimator, buffer)
    assert buffer.getvalue() == document
    buffer.seek(0)
    assert_same(reflectio.load(buffer), estimator)
    assert_same(reflectio.load(path), estimator)
    assert_same(reflectio.load(path, mmap=True), estimator)
    readable = tmp_path / "model.json"
    reflectio.dump(estimator, readable)
    json.loads(readable.read_text())
    assert_same(reflectio.load(readable), estimator)


@_each(lambda estimator: hasattr(estimator, "partial_fit"))
def test_training_goes_on_in_steps_as_it_would_have_without(index):
    estimator = zoo.fresh(index)
    data = zoo.data_for(estimator, "float64")
    half = len(data[0]) // 2
    first, second = [part[:half] for part in data], [part[half:] for part in data]
    classes = {"classes": np.unique(data[1])} if _takes_classes(estimator) else {}
    estimator.partial_fit(*first, **classes)
    loaded = _round_trip(estimator, "binary")
    for model in (estimator, loaded):
        model.partial_fit(*second)
    assert_same(loaded, estimator)
    assert_same(behaviour.outputs(loaded, data), behaviour.outputs(estimator, data))


def _takes_classes(estimator: Any) -> bool:
    from inspect import signature

    return "classes" in signature(estimator.partial_fit).parameters


@_each(_has_parameter("warm_start"))
def test_a_warm_start_goes_on_as_it_would_have_without(index):
    estimator = zoo.fresh(index)
    estimator.set_params(warm_start=True)
    data = zoo.data_for(estimator, "float64")
    estimator.fit(*data)
    loaded = _round_trip(estimator, "binary")
    for model in (estimator, loaded):
        for parameter in ("n_estimators", "max_iter"):
            value = model.get_params().get(parameter)
            if type(value) is int:
                model.set_params(**{parameter: value + 2})
        model.fit(*data)
    assert_same(loaded, estimator)
    assert_same(behaviour.outputs(loaded, data), behaviour.outputs(estimator, data))


@_each(_has_parameter("random_state"))
def test_a_random_stream_goes_on_as_it_would_have_without(index):
    estimator = zoo.fresh(index)
    data = zoo.data_for(estimator, "float64")
    estimator.set_params(random_state=np.random.RandomState(5))
    _fit_again(estimator, data)
    loaded = _round_trip(estimator, "json")
    assert_same(loaded, estimator)
    assert _fit_again(loaded, data) == _fit_again(estimator, data)
    assert_same(loaded, estimator)


def _fit_again(estimator: Any, data: tuple[Any, ...]) -> str:
    """Train on, and say how it ended: a search may draw a sample that its estimators refuse."""
    try:
        estimator.fit(*data)
    except ValueError as error:
        return str(error)
    zoo.forget_times(estimator)
    return "trained"


class _ReflectioAsPickle:
    """What scikit-learn's checks use of the module pickle."""

    @staticmethod
    def dumps(obj: Any) -> bytes:
        return reflectio.dumps(obj)

    @staticmethod
    def loads(document: bytes) -> Any:
        return reflectio.loads(document)


@pytest.mark.parametrize("readonly_memmap", [False, True], ids=["in memory", "on mapped data"])
# The checks train on matrices of numbers; those that take other data have their own tests above.
@_each(lambda estimator: type(estimator).__name__ not in zoo._DATA_OF_THEIR_OWN)
def test_scikit_learns_own_pickle_checks_pass_with_reflectio(index, readonly_memmap, monkeypatch):
    estimator = zoo.fresh(index)
    monkeypatch.setattr(estimator_checks, "pickle", _ReflectioAsPickle)
    estimator_checks.check_estimators_pickle(
        type(estimator).__name__, estimator, readonly_memmap=readonly_memmap
    )


# -- other processes ------------------------------------------------------------------------------------------

HERE = Path(__file__).parent


def _run(script: str, *args: str, **environment: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, str(HERE / script), *args],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_second_process_gets_the_same_outputs(tmp_path):
    expected = 0
    for index, name in enumerate(NAMES):
        estimator, data = zoo.fitted(index, "float64")
        reflectio.dump(estimator, tmp_path / f"{name}.{'json' if index % 2 else 'rfl'}")
        (tmp_path / f"{name}.expected").write_bytes(pickle.dumps((data, behaviour.outputs(estimator, data))))
        expected += 1
    for index, case in enumerate(CASES):
        estimator, data = zoo.fit(case)
        reflectio.dump(estimator, tmp_path / f"c{index:03d}.{'json' if index % 2 else 'rfl'}")
        (tmp_path / f"c{index:03d}.expected").write_bytes(
            pickle.dumps((data, behaviour.outputs(estimator, data)))
        )
        expected += 1
    assert _run("second_process.py", "compare", str(tmp_path)).strip() == f"{expected} exact"


def test_processes_with_other_hash_seeds_write_the_same_bytes():
    first = _run("second_process.py", "digests", PYTHONHASHSEED="1").splitlines()
    second = _run("second_process.py", "digests", PYTHONHASHSEED="2").splitlines()
    assert len(first) == 2 * (len(NAMES) + len(CASES))
    assert [a for a, b in zip(first, second, strict=True) if a != b] == []


def test_an_estimator_that_was_never_fitted_still_says_so():
    estimator = _round_trip(zoo.SVC(), "binary")
    with pytest.raises(NotFittedError):
        estimator.predict([[0.0]])
