"""Functions, classes and what is made of them: written by name, resolved only where the policy lists them."""

from __future__ import annotations

import functools
import json
import math
import operator
import subprocess
import sys
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.feature_selection
from exactness import assert_same
from roundtrip import POLICY, both_formats, roundtrip

import reflectio
from reflectio.names import public_name

DEFAULT = reflectio.Policy.default()

# What models hold, by the name that is written; the default policy lists all of it.
ALLOWED = {
    "builtins.str.lower": str.lower,
    "builtins.len": len,
    "builtins.max": max,
    "builtins.float": float,
    "builtins.dict": dict,
    "operator.add": operator.add,
    "math.log1p": math.log1p,
    "numpy.log1p": np.log1p,
    "numpy.add": np.add,
    "numpy.matmul": np.matmul,
    "numpy.mean": np.mean,
    "numpy.median": np.median,
    "numpy.linalg.norm": np.linalg.norm,
    "numpy.float64": np.float64,
    "numpy.datetime64": np.datetime64,
    "scipy.special.expit": scipy.special.expit,
    "scipy.special.gammaln": scipy.special.gammaln,
    "sklearn.feature_selection.f_classif": sklearn.feature_selection.f_classif,
}

# What it does not list.
UNLISTED = {
    "builtins.str.format": str.format,
    "builtins.str.__len__": str.__len__,
    "builtins.eval": eval,
    "builtins.print": print,
    "os.system": __import__("os").system,
    "subprocess.Popen": subprocess.Popen,
    "numpy.load": np.load,
    "models.clip": models.clip,
    "models.cached": models.cached,
    "models.Node": models.Node,
    "models.Outer.Inner": models.Outer.Inner,
    "models.Node.method": models.Node.method,
    "models.Node.double": models.Node.double,
}


@pytest.mark.parametrize("name", [*ALLOWED, *UNLISTED])
def test_a_callable_has_a_public_name(name: str) -> None:
    assert public_name((ALLOWED | UNLISTED)[name]) == name


@both_formats
@pytest.mark.parametrize("name", ALLOWED)
def test_a_callable_of_the_default_policy_comes_back_as_itself(name: str, format: str) -> None:
    assert roundtrip(ALLOWED[name], format, DEFAULT) is ALLOWED[name]


@pytest.mark.parametrize("name", UNLISTED)
def test_a_callable_that_is_not_listed_is_refused(name: str) -> None:
    document = reflectio.dumps({"function": UNLISTED[name]})
    with pytest.raises(reflectio.UntrustedNameError) as caught:
        reflectio.loads(document, policy=DEFAULT)
    assert caught.value.names == (name,)
    assert f"{name}  (at $.model.function)" in str(caught.value)


@pytest.mark.parametrize("name", UNLISTED)
def test_a_callable_comes_back_as_itself_where_the_policy_lists_it(name: str) -> None:
    listed = DEFAULT.extend(callables=[UNLISTED[name]])
    assert roundtrip(UNLISTED[name], policy=listed) is UNLISTED[name]


def test_every_refused_name_is_in_the_error() -> None:
    document = reflectio.dumps([eval, {"a": (models.clip, [np.load])}, models.Node(f=models.cached), len])
    with pytest.raises(reflectio.UntrustedNameError) as caught:
        reflectio.loads(document)
    names = ("builtins.eval", "models.Node", "models.cached", "models.clip", "numpy.load")
    assert caught.value.names == names
    assert all(name in str(caught.value) for name in names)


def test_a_class_whose_objects_may_be_rebuilt_may_not_be_held_by_that() -> None:
    only_class = DEFAULT.extend(classes=["models.Node"])
    reflectio.loads(reflectio.dumps(models.Node()), policy=only_class)
    with pytest.raises(reflectio.UntrustedNameError):
        reflectio.loads(reflectio.dumps(models.Node), policy=only_class)


def test_a_callable_that_may_be_held_may_not_be_rebuilt_by_that() -> None:
    only_callable = DEFAULT.extend(callables=["models.Node"])
    reflectio.loads(reflectio.dumps(models.Node), policy=only_callable)
    with pytest.raises(reflectio.UntrustedNameError):
        reflectio.loads(reflectio.dumps(models.Node()), policy=only_callable)


def test_nothing_is_imported_before_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "tripwire.py").write_text("raise SystemExit('imported')")
    nodes = [
        {"$": "callable", "name": "tripwire.f"},
        {"$": "class", "name": "tripwire.C"},
        {"$": "tripwire.C"},
        {"$": "enum", "name": "tripwire.C", "value": "A"},
        {"$": "ndarray", "dtype": "float64", "shape": [1], "data": [1.0], "name": "tripwire.C"},
        {"$": "partial", "func": {"$": "callable", "name": "tripwire.f"}, "args": [], "kwargs": {}},
        {"$": "method", "object": {"$": "tripwire.C"}, "name": "f"},
    ]
    script = (
        "import json, sys, reflectio\n"
        "for node in json.load(sys.stdin):\n"
        "    try: reflectio.loads(json.dumps({'reflectio': 1, 'versions': {}, 'model': node}))\n"
        "    except reflectio.UntrustedNameError as error: print(*error.names)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(nodes),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0].partition(".")[0] for line in done.stdout.splitlines()] == ["tripwire"] * len(
        nodes
    )


# -- partial applications and operators -------------------------------------------------------------------------

MADE_OF_CALLABLES = {
    "partial": functools.partial(np.clip, a_min=0, a_max=1.5),
    "partial of a partial": functools.partial(functools.partial(np.clip, a_min=0), a_max=[1]),
    "partial with arguments": functools.partial(max, 1, (2, [3]), key=functools.partial(operator.add, 1)),
    "partial with a dollar keyword": functools.partial(dict, **{"a$": 1}),
    "partial of a function of one's own": functools.partial(models.clip, x=np.arange(3)),
    "partial that many hold": [functools.partial(max, 1)] * 2,
    "itemgetter": operator.itemgetter(1),
    "itemgetter of several": operator.itemgetter("a", (1, 2), slice(3)),
    "methodcaller": operator.methodcaller("lower"),
    "methodcaller with arguments": operator.methodcaller("split", ",", maxsplit=2),
    "bound method": models.Node(a=1).method,
    "bound method of an object met before": [node := models.Node(a=1), node.method],
    "bound method of an object that holds it": (lambda node: setattr(node, "own", node.method) or node)(
        models.Node()
    ),
    "class method": models.Node.build,
    "static method": models.Node.double,
    "lru_cache": models.cached,
    "method of a builtin object": {"a": 1}.get,
    "method of a builtin class": dict.fromkeys,
    "functions as keys": {len: 1, np.mean: 2, float: 3},
    "a set of functions": {len, max, float},
}

METHODS = POLICY.extend(callables=["builtins.dict.get", "builtins.dict.fromkeys"])


@both_formats
@pytest.mark.parametrize("value", MADE_OF_CALLABLES.values(), ids=MADE_OF_CALLABLES)
def test_what_is_made_of_callables_comes_back(value: Any, format: str) -> None:
    assert_same(value, roundtrip(value, format, METHODS))


def test_an_attrgetter_needs_every_attribute_listed() -> None:
    getter = operator.attrgetter("a.b", "c")
    with pytest.raises(reflectio.UntrustedNameError) as caught:
        roundtrip(getter)
    assert caught.value.names == ("operator.attrgetter.a.b", "operator.attrgetter.c")
    listed = POLICY.extend(callables=["operator.attrgetter.a.b", "operator.attrgetter.c"])
    assert_same(getter, roundtrip(getter, policy=listed))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (operator.methodcaller("to_pickle", "x"), "operator.methodcaller.to_pickle"),
        (functools.partial(eval, "1"), "builtins.eval"),
        ({"a": 1}.get, "builtins.dict.get"),
        (models.Node.build, "models.Node.build"),
    ],
)
def test_a_method_that_is_not_listed_is_refused(value: Any, name: str) -> None:
    with pytest.raises(reflectio.UntrustedNameError) as caught:
        reflectio.loads(reflectio.dumps(value), policy=DEFAULT)
    assert name in caught.value.names


def test_a_partial_with_attributes_of_its_own_is_refused() -> None:
    partial = functools.partial(max, 1)
    partial.note = "x"
    with pytest.raises(reflectio.UnsupportedTypeError, match="attributes of its own"):
        reflectio.dumps(partial)


def test_a_partial_comes_back_callable() -> None:
    assert roundtrip(functools.partial(np.clip, a_min=0, a_max=1))(5) == 1
