"""Names: code that a document asks to be imported, called or held."""

from __future__ import annotations

from typing import Any

from attacks.attack import TRIPWIRE, Attack, callable_node, text_of, transformer
from attacks.gadgets import GADGETS, Gadget

_LISTS = "lists of pickle gadgets (fickling, picklescan, ModelScan)"
_UNTRUSTED = "UntrustedNameError"


def _constructed(name: str, args: list[Any]) -> dict[str, Any]:
    return {"$": name, "$args": args}


def _plain(value: Any) -> Any:
    """Arguments as JSON can say them; what it cannot is left out, for the name is refused before."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | dict | None) else None


def _called(gadget: Gadget) -> Attack:
    return Attack(
        f"call-{gadget.name}",
        f"{gadget.gain}, as pickle's REDUCE does: the document gives the function and its arguments",
        _LISTS,
        lambda: text_of(_constructed(gadget.name, _plain(gadget.args))),
        _UNTRUSTED,
        says=gadget.name,
    )


def _held(gadget: Gadget) -> Attack:
    return Attack(
        f"hold-{gadget.name}",
        f"{gadget.gain}, once the model is used: it holds the function",
        f"{_LISTS}; PyMilo resolves any function that a file names",
        lambda: text_of(transformer(callable_node(gadget.name))),
        _UNTRUSTED,
        says=gadget.name,
    )


# Where else a document may put a name.
_SYSTEM = callable_node("os.system")
_PLACES: dict[str, tuple[str, Any]] = {
    "class": ("rebuild an object of a class", {"$": f"{TRIPWIRE}.Model", "a": 1}),
    "class-state": ("call __setstate__ of a class", {"$": f"{TRIPWIRE}.Model", "$state": 1}),
    "class-new": ("call __new__ of a class with arguments", {"$": f"{TRIPWIRE}.Model", "$new": [1]}),
    "class-items": ("call __setitem__ of a class", {"$": f"{TRIPWIRE}.Model", "$items": {"a": 1}}),
    "held-class": ("hold a class, to be called", {"$": "class", "name": f"{TRIPWIRE}.Model"}),
    "enum": ("call _missing_ of an enumeration", {"$": "enum", "name": f"{TRIPWIRE}.Colour", "value": 5}),
    "partial": (
        "call a function with arguments of the document's",
        {"$": "partial", "func": _SYSTEM, "args": ["id"], "kwargs": {}},
    ),
    "partial-argument": (
        "pass a function to one that calls it",
        {"$": "partial", "func": callable_node("builtins.max"), "args": [], "kwargs": {"key": _SYSTEM}},
    ),
    "default-factory": (
        "call a function when a key is missing",
        {"$": "defaultdict", "default_factory": _SYSTEM, "items": []},
    ),
    "dict-value": ("hide a name among values", {"a": {"b": [_SYSTEM]}}),
    "dict-key": ("hide a name among keys", {"$": "dict", "items": [[_SYSTEM, 1]]}),
    "set-element": ("hide a name in a set", {"$": "set", "items": [_SYSTEM]}),
    "object-array": (
        "hide a name in an array",
        {"$": "ndarray", "dtype": "object", "shape": [1], "data": [_SYSTEM]},
    ),
    "array-class": (
        "make a view of an array in a class",
        {"$": "ndarray", "dtype": "float64", "shape": [1], "data": [1.0], "name": f"{TRIPWIRE}.Array"},
    ),
    "method-class": (
        "hold a method of a class",
        {"$": "method", "object": {"$": "class", "name": f"{TRIPWIRE}.Model"}, "name": "run"},
    ),
    "method-object": (
        "hold a method of an object",
        {"$": "method", "object": {"$": f"{TRIPWIRE}.Model"}, "name": "run"},
    ),
    "string-dtype": (
        "compare with an object of a class",
        {"$": "dtype", "name": "StringDType", "na_object": {"$": f"{TRIPWIRE}.Model"}},
    ),
    "dtype-metadata": (
        "hide a name in the metadata of a dtype",
        {"$": "dtype", "name": "float64", "metadata": {"a": _SYSTEM}},
    ),
    "slice-bound": ("hide a name in a slice", {"$": "slice", "start": _SYSTEM, "stop": None, "step": None}),
    "itemgetter-key": ("hide a name among keys", {"$": "itemgetter", "items": [_SYSTEM]}),
    "namespace": ("hide a name in a namespace", {"$": "types.SimpleNamespace", "a": _SYSTEM}),
    "pipeline": (
        "hide a name deep in a model",
        {"$": "sklearn.pipeline.Pipeline", "steps": [{"$": "tuple", "items": ["a", transformer(_SYSTEM)]}]},
    ),
    "scorer": (
        "have a scorer call a function",
        {"$": "sklearn.metrics._scorer._Scorer", "_score_func": _SYSTEM, "_sign": 1, "_kwargs": {}},
    ),
    "metric": (
        "have neighbours call a function for every distance",
        {"$": "sklearn.neighbors.KNeighborsClassifier", "metric": _SYSTEM},
    ),
    "distance": (
        "have compiled code call a function for every distance",
        {"$": "sklearn.metrics.DistanceMetric", "$state": {"$": "tuple", "items": [_SYSTEM]}},
    ),
    "analyzer": (
        "have a vectorizer call a function on every text",
        {"$": "sklearn.feature_extraction.text.CountVectorizer", "analyzer": _SYSTEM},
    ),
    "kernel": ("have a support vector machine call a function", {"$": "sklearn.svm.SVC", "kernel": _SYSTEM}),
}

# Texts that look like an allowed name, or lead from one to another.
_LOOKALIKES: dict[str, tuple[str, str, str]] = {
    "dunder-init": ("sklearn.svm.SVC.__init__.__globals__", "reach globals from a class", _UNTRUSTED),
    "dunder-class": ("sklearn.svm.SVC.__class__", "reach the metaclass", _UNTRUSTED),
    "dunder-subclasses": ("builtins.object.__subclasses__", "reach every class", _UNTRUSTED),
    "dunder-reduce": ("builtins.object.__reduce_ex__", "reach pickle's protocol", _UNTRUSTED),
    "module-in-module": ("sklearn.svm.os.system", "reach a module through one that imports it", _UNTRUSTED),
    "package-module": ("sklearn.utils._joblib.joblib.load", "reach joblib through scikit-learn", _UNTRUSTED),
    "numpy-os": ("numpy.lib._npyio_impl.os.system", "reach os through numpy", _UNTRUSTED),
    "method": ("sklearn.svm.SVC.fit", "hold a method under the name of its class", _UNTRUSTED),
    "trailing-dot": ("numpy.log1p.", "slip past a comparison", _UNTRUSTED),
    "leading-dot": (".numpy.log1p", "import relative to reflectio", _UNTRUSTED),
    "double-dot": ("numpy..log1p", "slip past a comparison", _UNTRUSTED),
    "empty": ("", "slip past a comparison", _UNTRUSTED),
    "only-dots": ("...", "slip past a comparison", _UNTRUSTED),
    "space": ("numpy.log1p ", "slip past a comparison", _UNTRUSTED),
    "newline": ("numpy.log1p\nos.system", "hide a name behind a line break", _UNTRUSTED),
    "nul": ("numpy.log1p\0os.system", "hide a name behind a NUL", _UNTRUSTED),
    "star": ("numpy.*", "use a pattern as a name", _UNTRUSTED),
    "fullwidth": ("\uff4eumpy.log1p", "have Python's normalisation make another name of it", _UNTRUSTED),
    "cyrillic": ("nump\u0443.log1p", "look like an allowed name to a reviewer", _UNTRUSTED),
    "greek": ("\u03bfs.system", "look like another name to a reviewer", _UNTRUSTED),
    "rtl": ("numpy.\u202egol", "read backwards to a reviewer", _UNTRUSTED),
    "case": ("Numpy.log1p", "use a file system that ignores case", _UNTRUSTED),
    "colon": ("numpy:log1p", "use the notation of entry points", _UNTRUSTED),
    "slash": ("numpy/log1p", "use a path as a name", _UNTRUSTED),
    "path": ("../../tmp/evil.run", "import from a folder", _UNTRUSTED),
    "class-as-callable": ("sklearn.svm.SVC", "call a class that may only be rebuilt", _UNTRUSTED),
    "constructor-as-callable": ("sklearn.tree._tree.Tree", "call a class that may only be built", _UNTRUSTED),
    "private-alias": ("numpy._core.umath.log1p", "use an allowed function's other name", _UNTRUSTED),
    "main": ("__main__.run", "reach what the victim's script defines", _UNTRUSTED),
    "own-codec": ("reflectio.names.resolve", "reach reflectio's own import", _UNTRUSTED),
    "own-loads": ("reflectio.loads", "have a model load another document", _UNTRUSTED),
    "own-policy": ("reflectio.Policy.from_file", "have reflectio read a file", _UNTRUSTED),
    "tripwire": (f"{TRIPWIRE}.trip", "import any module", _UNTRUSTED),
    "long": ("numpy." * 100_000 + "log1p", "make a long name expensive", _UNTRUSTED),
}

_NO_NAMES: dict[str, Any] = {
    "null": None,
    "number": 5,
    "list": ["os", "system"],
    "object": {"$": "callable", "name": "numpy.log1p"},
    "true": True,
}

# Classes that may be rebuilt, and callables that may be held, yet not called with arguments of the document's.
_CONSTRUCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "class-with-args": ("call an allowed class", _constructed("sklearn.svm.SVC", [])),
    "class-with-new": ("call __new__ of an allowed class", {"$": "sklearn.svm.SVC", "$new": []}),
    "callable-as-class": ("rebuild an object of what is only a callable", {"$": "numpy.log1p"}),
    "callable-with-args": ("call an allowed callable", _constructed("builtins.max", [[1]])),
    "module-as-class": ("rebuild an object of a module", {"$": "sklearn.svm"}),
    "builtin-object": ("rebuild an object without a class of its own", {"$": "builtins.object"}),
    "builtin-type": ("make a class", _constructed("builtins.type", ["T", {"$": "tuple", "items": []}, {}])),
    "constructor-without-args": (
        "rebuild what must be constructed",
        {"$": "sklearn.linear_model._sgd_fast.Hinge"},
    ),
    "code": ("make code", _constructed("types.CodeType", [0])),
    "iterator": ("make an iterator that calls", _constructed("builtins.map", [_SYSTEM, ["id"]])),
}

_METHODS: dict[str, tuple[str, Any]] = {
    "attrgetter": (
        "walk attributes from what is passed in",
        {"$": "attrgetter", "names": ["__class__.__mro__"]},
    ),
    "attrgetter-globals": ("reach globals", {"$": "attrgetter", "names": ["fit.__globals__"]}),
    "attrgetter-second": (
        "hide an attribute behind another",
        {"$": "attrgetter", "names": ["coef_", "__class__"]},
    ),
    "methodcaller": (
        "call any method of what is passed in",
        {"$": "methodcaller", "name": "to_pickle", "args": ["/tmp/x"], "kwargs": {}},
    ),
    "methodcaller-dunder": (
        "call a dunder",
        {"$": "methodcaller", "name": "__reduce__", "args": [], "kwargs": {}},
    ),
    "methodcaller-format": (
        "have a format string walk attributes",
        {"$": "methodcaller", "name": "format", "args": ["x"], "kwargs": {}},
    ),
    "method-fit": (
        "call a method of an estimator that the policy does not name",
        {"$": "method", "object": {"$": "sklearn.svm.SVC", "kernel": "rbf"}, "name": "fit"},
    ),
    "method-by-reference": (
        "hide the class of a method behind a reference",
        [
            {"$": "sklearn.svm.SVC", "$id": 0, "kernel": "rbf"},
            {"$": "method", "object": {"$": "ref", "id": 0}, "name": "fit"},
        ],
    ),
    "method-of-array": (
        "write a file by a method of an array",
        {
            "$": "method",
            "object": {"$": "ndarray", "dtype": "float64", "shape": [1], "data": [1.0]},
            "name": "tofile",
        },
    ),
    "method-of-dict": (
        "reach a method of a container",
        {"$": "method", "object": {"a": 1}, "name": "update"},
    ),
    "method-of-text": (
        "have a format string walk attributes",
        {"$": "method", "object": "{0.__class__}", "name": "format"},
    ),
    "method-of-path": (
        "delete a file by a method of a path",
        {"$": "method", "object": {"$": "path", "flavour": "native", "value": "/tmp/x"}, "name": "unlink"},
    ),
    "method-of-frame": (
        "write a file by a method of a frame",
        {"$": "method", "object": {"$": "class", "name": "pandas.DataFrame"}, "name": "to_pickle"},
    ),
    "method-of-ufunc": (
        "reach a method of a function",
        {"$": "method", "object": callable_node("numpy.log1p"), "name": "at"},
    ),
    "method-of-partial": (
        "reach the attributes of a partial",
        {
            "$": "method",
            "object": {"$": "partial", "func": callable_node("builtins.max"), "args": [], "kwargs": {}},
            "name": "func",
        },
    ),
}

_PATTERN = '[allow]\nclasses = ["sklearn.*"]\ncallables = ["sklearn.*"]\n'

ATTACKS = [
    *map(_called, GADGETS),
    *(_held(gadget) for gadget in GADGETS),
    *(
        Attack(
            f"place-{key}",
            tries,
            "own: every place that takes a name",
            lambda node=node: text_of(node),
            _UNTRUSTED,
        )
        for key, (tries, node) in _PLACES.items()
    ),
    *(
        Attack(
            f"name-{key}",
            tries,
            "own; skops CVE-2024-37065 for names that lead on",
            lambda name=name: text_of(transformer(callable_node(name))),
            error,
        )
        for key, (name, tries, error) in _LOOKALIKES.items()
    ),
    *(
        Attack(
            f"name-is-{key}",
            "have a name that is no text compared or imported",
            "own",
            lambda name=name: text_of(transformer(callable_node(name))),
            "DocumentError",
        )
        for key, name in _NO_NAMES.items()
    ),
    *(
        Attack(f"construct-{key}", tries, "own: the three lists", lambda node=node: text_of(node), _UNTRUSTED)
        for key, (tries, node) in _CONSTRUCTIONS.items()
    ),
    *(
        Attack(
            f"method-{key}",
            tries,
            "skops CVE-2024-37065, CVE-2025-54412, CVE-2025-54413, CVE-2025-54886",
            lambda node=node: text_of(transformer(node)),
            _UNTRUSTED,
        )
        for key, (tries, node) in _METHODS.items()
    ),
    *(
        Attack(
            f"pattern-{name}",
            "reach what a module merely imports through a pattern",
            "own",
            lambda name=name: text_of(transformer(callable_node(name))),
            "UntrustedNameError|DocumentError",
            policy=_PATTERN,
        )
        for name in (
            "sklearn.svm._base.np.load",
            "sklearn.utils.fixes.sklearn.utils.os.system",
            "sklearn.base.os.getcwd",
            "sklearn.base.BaseEstimator.__init__",
            "sklearnx.evil",
            "sklearn.datasets._base.shutil.rmtree",
        )
    ),
    Attack(
        "many-names",
        "wear a reviewer out: all refused names are reported at once",
        "own",
        lambda: text_of([callable_node(f"evil.f{i}") for i in range(10_000)]),
        _UNTRUSTED,
        says="10000 names",
    ),
    Attack(
        "extended-untrusted-allow",
        "be loaded since the policy denies a class that another list allows",
        "own",
        lambda: text_of({"$": "sklearn.svm.SVC"}),
        _UNTRUSTED,
        policy='extends = ["default"]\n[deny]\nclasses = ["sklearn.svm.*"]\n',
    ),
]
