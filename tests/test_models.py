"""What other ways of saving models lose, and what is large or a user's own."""

from __future__ import annotations

import pickle
import sys
import warnings

import numpy as np
import own_module
import pytest
from exactness import assert_same
from sklearn.cluster import Birch
from sklearn.decomposition import IncrementalPCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reflectio


@pytest.mark.parametrize("format", ["binary", "json"])
def test_a_strided_view_keeps_its_strides_where_pickle_forgets_them(format):
    X = np.random.default_rng(0).normal(size=(60, 20))
    model = IncrementalPCA(4, batch_size=20).fit(X)
    # A part of a larger array is what training leaves, with some releases of numpy and scipy; and so with all.
    whole = np.zeros((16, 20), order="F")
    whole[:4] = model.components_
    model.components_ = whole[:4]
    assert pickle.loads(pickle.dumps(model)).components_.strides != model.components_.strides
    loaded = reflectio.loads(reflectio.dumps(model, format=format))
    assert loaded.components_.strides == model.components_.strides
    assert_same(loaded.transform(X), model.transform(X))


def test_a_view_that_is_a_small_part_of_its_buffer_comes_back_contiguous():
    wide = np.zeros((1000, 1000))[:, :10]
    tall = np.zeros((1000, 1000)).T[:, :10]
    loaded = reflectio.loads(reflectio.dumps([wide, tall]))
    assert loaded[0].flags.c_contiguous
    assert loaded[1].flags.f_contiguous
    assert [array.base for array in loaded] == [None, None]


def test_birch_goes_on_training_as_it_would_have_though_its_nodes_share_memory():
    X = np.random.default_rng(0).random((400, 3))
    model = Birch(threshold=0.1, n_clusters=None).fit(X[:200])
    pickled = pickle.loads(pickle.dumps(model))
    loaded = reflectio.loads(reflectio.dumps(model))
    for estimator in (model, pickled, loaded):
        estimator.partial_fit(X[200:])
    assert_same(loaded, model)
    # Without the shared memory the tree grows differently: this is what the test is about.
    assert not np.array_equal(pickled.subcluster_centers_, model.subcluster_centers_)


@pytest.fixture(scope="module")
def large_birch():
    X = np.random.default_rng(0).random((16_500, 2)) * 1000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Birch(threshold=0.01, branching_factor=2, n_clusters=None).fit(X)
    leaves, leaf = 0, model.dummy_leaf_.next_leaf_
    while leaf is not None:
        leaves, leaf = leaves + 1, leaf.next_leaf_
    assert leaves >= 10_000
    return model


def test_a_birch_of_ten_thousand_leaves_round_trips_within_the_recursion_limit(large_birch):
    with pytest.raises(RecursionError):
        pickle.dumps(large_birch)
    limit = sys.getrecursionlimit()
    loaded = reflectio.loads(reflectio.dumps(large_birch))
    assert sys.getrecursionlimit() == limit
    assert_same(loaded, large_birch)


def test_an_estimator_of_a_users_own_is_refused_with_the_lines_that_would_allow_it():
    model = make_pipeline(StandardScaler(), own_module.Shrink(0.5)).fit([[0.0], [1.0]])
    with pytest.raises(reflectio.UntrustedNameError) as refusal:
        reflectio.loads(reflectio.dumps(model))
    assert refusal.value.names == ("own_module.Shrink",)
    message = str(refusal.value)
    assert "$.model.steps[1][1]" in message
    assert 'classes = [\n    "own_module.Shrink",\n]' in message


@pytest.mark.parametrize("names", [["own_module.Shrink"], ["own_module.*"], [own_module.Shrink]], ids=str)
def test_an_estimator_of_a_users_own_is_exact_under_a_policy_that_names_it(names):
    model = make_pipeline(StandardScaler(), own_module.Shrink(0.5)).fit([[0.0], [1.0]])
    policy = reflectio.Policy.default().extend(classes=names)
    loaded = reflectio.loads(reflectio.dumps(model), policy=policy)
    assert_same(loaded, model)
    assert_same(loaded.transform([[3.0]]), model.transform([[3.0]]))


def test_a_pattern_does_not_cover_what_a_module_imports():
    document = reflectio.dumps(own_module.Shrink(0.5)).replace(b"own_module.Shrink", b"own_module.Ridge")
    document = document[: document.index(b',"digest"')] + b"}"
    policy = reflectio.Policy.default().extend(classes=["own_module.*"])
    with pytest.raises(reflectio.UntrustedNameError):
        reflectio.loads(document, policy=policy)


def test_refused_names_are_listed_all_at_once_and_nothing_of_them_is_imported(tmp_path, monkeypatch):
    (tmp_path / "tripwire_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    node = '{"$": "tripwire_module.A", "x": {"$": "callable", "name": "tripwire_module.b"}}'
    document = f'{{"reflectio": 1, "versions": {{}}, "model": [{node}, {node.replace("A", "C")}]}}'
    with pytest.raises(reflectio.UntrustedNameError) as refusal:
        reflectio.loads(document)
    assert refusal.value.names == ("tripwire_module.A", "tripwire_module.C", "tripwire_module.b")
    assert "tripwire_module" not in sys.modules
