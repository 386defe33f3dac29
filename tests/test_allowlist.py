"""Every name of the built-in lists is what it says, is harmless, and covers what fitted estimators hold."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import importlib
import importlib.util
import inspect
import pathlib
import pkgutil
import tomllib
from collections import Counter

import pytest

from reflectio.coverage import gaps, left_out, main
from reflectio.dangerous_names import dangerous_module
from reflectio.errors import DocumentError
from reflectio.names import public_name, resolve
from reflectio.policy import Policy

pytestmark = pytest.mark.filterwarnings("ignore")

FOLDER = pathlib.Path(__file__).parent.parent / "allowlist"
LIBRARIES = ("stdlib", "numpy", "scipy", "sklearn", "pandas")
KINDS = {"classes": "class", "constructors": "constructor", "callables": "callable"}
FILES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml"))}
ENTRIES = [
    (library, key, name)
    for library in (*LIBRARIES, "strict")
    for key, names in FILES[library].get("allow", {}).items()
    for name in names
]

# Names that the lists keep for releases of scikit-learn other than the installed one, by where they begin.
# Nothing else may fail to resolve.
OF_OTHER_VERSIONS = {
    "sklearn.ensemble._gb_losses.": "scikit-learn 1.3",
    "sklearn.metrics._dist_metrics.": "scikit-learn 1.3: distance metrics without the precision in the name",
    "sklearn.metrics._scorer._P": "scikit-learn 1.3: _PredictScorer, _ProbaScorer; later _PassthroughScorer",
    "sklearn.metrics._scorer._T": "scikit-learn 1.3: _ThresholdScorer",
    "sklearn.linear_model._sgd_fast.": "scikit-learn 1.3 to 1.5: Huber, Log, SquaredLoss",
}

# Modules that no listed name may live in, besides those that `dangerous_module` knows: they reach code by name, or files.
UNWANTED_MODULES = frozenset(
    ["copyreg", "functools", "glob", "ntpath", "posixpath", "tokenize", "typing", "xml"]
)
DANGEROUS_PARTS = frozenset(
    [
        "datasets",
        "externals",
        "f2py",
        "testing",
        "tests",
        "_testing",
        "conftest",
        "io",
        "parallel",
        "callback",
        "lib",
        "ctypeslib",
        "distutils",
        "estimator_checks",
        "_mocking",
        "_build_utils",
    ]
)
HARMLESS_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "len",
        "list",
        "max",
        "min",
        "object",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
    ]
)
# Functions of otherwise harmless modules that read, write, evaluate, call, or view memory.
DANGEROUS_NAMES = frozenset(
    [
        "load",
        "save",
        "savez",
        "savez_compressed",
        "savetxt",
        "loadtxt",
        "genfromtxt",
        "fromfile",
        "tofile",
        "fromregex",
        "fromstring",
        "frombuffer",
        "memmap",
        "open_memmap",
        "DataSource",
        "vectorize",
        "frompyfunc",
        "apply_along_axis",
        "apply_over_axes",
        "fromfunction",
        "piecewise",
        "setbufsize",
        "seterrcall",
        "ndarray",
        "void",
        "empty",
        "empty_like",
        "as_strided",
        "require",
        "eval",
        "query",
        "read_csv",
        "read_pickle",
        "read_hdf",
        "HDFStore",
        "ExcelFile",
        "ExcelWriter",
        "attrgetter",
        "methodcaller",
        "call",
        "getitem",
        "setitem",
        "delitem",
        "partial",
        "getattr",
        "setattr",
        "exec",
        "compile",
        "open",
        "input",
        "map",
        "filter",
        "iter",
        "fetch_openml",
        "load_svmlight_file",
        "dump_svmlight_file",
        "make_scorer",
        "get_scorer",
        "clone",
    ]
)


# The versions whose public names the lists were made from; older ones lack some.
REVIEWED = {"numpy": (2, 4), "scipy": (1, 17), "sklearn": (1, 9), "pandas": (3, 1)}


# What only versions after these have.
OF_LATER_VERSIONS = frozenset({"scipy.interpolate._bsplines._BSpline"})


def resolved(name):
    """What a listed name stands for; skips where its library is not installed, or another version has it."""
    try:
        importlib.import_module(name.partition(".")[0])
    except ImportError:
        pytest.skip(f"{name.partition('.')[0]} is not installed")
    try:
        return resolve(name)
    except DocumentError:
        if (reason := of_another_version(name)) is not None:
            pytest.skip(reason)
        raise


def of_another_version(name):
    """Why a name that the installed libraries lack is listed all the same; None where that is a mistake."""
    top = name.partition(".")[0]
    if top in REVIEWED and is_older(top):
        return (
            f"{top} {version_of(top)} is older than the {'.'.join(map(str, REVIEWED[top]))} that was reviewed"
        )
    return next((reason for prefix, reason in OF_OTHER_VERSIONS.items() if name.startswith(prefix)), None)


def version_of(package):
    return importlib.import_module(package).__version__


def is_older(package):
    return tuple(map(int, version_of(package).split(".")[:2])) < REVIEWED[package]


needs_reviewed_versions = pytest.mark.skipif(
    any(is_older(package) for package in REVIEWED if importlib.util.find_spec(package)),
    reason="older libraries have what the lists leave out for newer ones",
)


def is_control(name):
    """Whether a name stands for a method name that an operator may be given, and not for an object."""
    return name.startswith(("operator.methodcaller.", "operator.attrgetter."))


def entries(*keys):
    return [
        pytest.param(name, id=f"{library}-{key}-{name}")
        for library, key, name in ENTRIES
        if key in keys and not is_control(name)
    ]


@pytest.mark.parametrize("name", entries("classes", "constructors", "callables"))
def test_a_listed_name_is_the_one_that_is_written_for_its_object(name):
    found = resolved(name)
    if name.startswith("scipy.stats.") and not isinstance(found, type):
        # A distribution is an instance, which knows its own name.
        assert f"scipy.stats.{found.name}" == name
    elif public_name(found) != name and name.startswith("pandas.") and is_older("pandas"):
        pytest.skip(f"pandas {version_of('pandas')} does not say where it exports this")
    else:
        assert public_name(found) == name


@pytest.mark.parametrize("name", entries("classes", "constructors"))
def test_a_listed_class_or_constructor_is_a_class(name):
    found = resolved(name)
    assert isinstance(found, type)
    assert not issubclass(found, BaseException)


@pytest.mark.parametrize("name", entries("callables"))
def test_a_listed_callable_can_be_called(name):
    assert callable(resolved(name))


@pytest.mark.parametrize("name", entries("classes", "constructors", "callables"))
def test_a_listed_name_lives_in_no_module_that_reaches_out_of_the_process(name):
    found = resolved(name)
    for home in {name.rpartition(".")[0], getattr(found, "__module__", None) or ""}:
        top, *parts = home.split(".")
        if home == "builtins":
            assert found.__name__ in HARMLESS_BUILTINS | {"NoneType"}
        elif home == "builtins.str":
            # Methods of text give text, or lists of it, and are as large as it.
            assert found.__name__ in {"casefold", "lower", "split", "strip", "title", "upper"}
        elif name not in {"types.SimpleNamespace", "types.NoneType"}:
            assert not dangerous_module(top)
            assert top not in UNWANTED_MODULES
        # scipy._lib is the home of one function that is numpy's own.
        assert not DANGEROUS_PARTS.intersection(parts)
    assert name.rpartition(".")[2] not in DANGEROUS_NAMES
    assert getattr(found, "__name__", "") not in DANGEROUS_NAMES


@pytest.mark.parametrize("name", entries("classes"))
def test_a_listed_class_runs_no_text_when_its_state_is_set(name):
    found = resolved(name)
    for hook in ("__setstate__", "__new__", "__setattr__", "__init_subclass__", "__del__"):
        # Of a hook in C there is no source; those are of numpy, scipy and scikit-learn's compiled types.
        for base in found.__mro__[:-1]:
            if hasattr(base, "_fields"):  # the __new__ of a namedtuple is made by the standard library
                continue
            if hook in vars(base) and inspect.isfunction(function := inspect.unwrap(getattr(base, hook))):
                source = inspect.getsource(function)
                assert not any(word in source for word in ("exec(", "eval(", "open(", "import_module"))
    # Setting the state of these runs a text in it, some calls further down.
    assert not any(base.__name__ == "rv_generic" for base in found.__mro__)


def test_the_distributions_that_run_a_text_of_their_state_are_listed_as_instances_only():
    scipy_stats = pytest.importorskip("scipy.stats")
    policy = Policy.default()
    generators = {
        public_name(type(each))
        for each in vars(scipy_stats).values()
        if isinstance(each, scipy_stats.rv_continuous | scipy_stats.rv_discrete)
    }
    assert len(generators) > 100
    kinds = ("class", "constructor", "callable")
    assert not any(policy.allows(kind, name) for name in generators for kind in kinds)


@needs_reviewed_versions
def test_every_distribution_that_scipy_exports_is_listed_by_its_name():
    scipy_stats = pytest.importorskip("scipy.stats")
    policy = Policy.default()
    kinds = scipy_stats.rv_continuous | scipy_stats.rv_discrete
    exported = [f"scipy.stats.{name}" for name, each in vars(scipy_stats).items() if isinstance(each, kinds)]
    assert len(exported) > 100
    assert [name for name in exported if not policy.allows("callable", name)] == []


@pytest.mark.parametrize("key", KINDS)
def test_no_name_is_listed_twice_in_a_kind(key):
    counts = Counter(name for library, each, name in ENTRIES if each == key and library != "strict")
    assert [name for name, count in counts.items() if count > 1] == []


def test_names_are_exact_and_every_group_says_why():
    for stem in FILES:
        text = (FOLDER / f"{stem}.toml").read_text("utf-8")
        assert ".*" not in text
        for part in text.split(" = [\n")[1:]:
            assert part.lstrip().startswith("#"), f"{stem}: a list begins without a reason"


def test_no_attribute_is_listed_and_only_methods_of_str_without_arguments_to_fear():
    controls = [name for _, _, name in ENTRIES if is_control(name)]
    assert controls
    for name in controls:
        assert name.startswith("operator.methodcaller.")
        method = name.rpartition(".")[2]
        assert callable(getattr(str, method))
        assert method not in {"format", "format_map", "encode", "join", "replace", "zfill", "ljust", "rjust",
                              "center", "expandtabs", "translate"}  # fmt: skip


def test_the_default_policy_extends_every_library():
    assert FILES["default"] == {"extends": list(LIBRARIES)}


def test_unresolvable_names_are_counted_and_explained(capsys):
    missing = []
    for _, _, name in ENTRIES:
        if not is_control(name) and importlib.util.find_spec(name.partition(".")[0]):
            try:
                resolve(name)
            except DocumentError:
                missing.append(name)
    with capsys.disabled():
        print(f"\n{len(ENTRIES)} listed names, of which {len(missing)} are of other versions: {missing}")
    assert all(of_another_version(name) for name in missing)


# Coverage -----------------------------------------------------------------------------------------


def test_no_list_lacks_a_public_estimator_or_state_type_of_the_installed_libraries():
    pytest.importorskip("sklearn.utils._test_common.instance_generator")
    assert gaps(Policy.default(), fitted=True) == ()


@needs_reviewed_versions
def test_what_a_policy_lacks_is_reported_with_its_kind_and_the_reason_to_expect_it(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[allow]\nclasses = ["sklearn.linear_model.Ridge"]\n[deny]\nclasses = ["sklearn.svm.SVR"]\n'
    )
    found = {(gap.library, gap.kind, gap.name): gap.why for gap in gaps(policy)}
    assert found.keys() >= {
        ("sklearn", "class", "sklearn.svm.SVC"),
        ("pandas", "class", "pandas.DataFrame"),
        ("sklearn", "callable", "sklearn.metrics.f1_score"),
        ("scipy", "callable", "scipy.stats.norm"),
    }
    assert all(found.values())
    # What is allowed is no gap, and neither is what is denied on purpose.
    assert {
        ("sklearn", "class", "sklearn.linear_model.Ridge"),
        ("sklearn", "class", "sklearn.svm.SVR"),
    }.isdisjoint(found)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors.KDTree",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.model_selection.KFold",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.metrics._scorer._Scorer",
        "scipy.sparse.csr_matrix",
        "scipy.interpolate.BSpline",
    ],
)
def test_types_of_every_family_are_expected(name):
    pytest.importorskip("sklearn.utils._test_common.instance_generator")
    assert name in _missing_from_nothing()


@functools.cache
def _missing_from_nothing():
    """What a policy that allows nothing lacks."""
    return {gap.name for gap in gaps(Policy(), fitted=True)}


@needs_reviewed_versions
def test_the_command_fails_where_something_is_missing_and_says_what(capsys):
    assert main(["--policy", "strict"]) == 1
    assert "class     sklearn.svm.SVC  (a public estimator of scikit-learn)" in capsys.readouterr().out
    assert main([]) == 0


def test_what_is_left_out_is_on_no_list_and_has_a_reason():
    policy = Policy.default()
    for name, reason in left_out():
        assert reason
        assert not any(policy.allows(kind, name) for kind in ("class", "constructor", "callable"))


@pytest.mark.skipif(
    any(version_of(package).split(".")[:2] != [*map(str, found)] for package, found in REVIEWED.items()),
    reason="other versions than the reviewed ones lack some of what is left out",
)
@pytest.mark.parametrize("pattern", [name for name, _ in left_out() if name not in OF_LATER_VERSIONS])
def test_what_is_left_out_exists(pattern):
    module = pattern.partition("*")[0].rpartition(".")[0]
    assert importlib.import_module(pattern.partition(".")[0])
    found = [name for name in _named_below(module) if fnmatch.fnmatchcase(name, pattern)]
    assert found


def _named_below(package):
    """The names in a module and in those below it."""
    home = importlib.import_module(package) if "*" not in package else None
    names = {f"{package}.{name}" for name in vars(home)}
    for info in pkgutil.walk_packages(getattr(home, "__path__", ()), f"{package}."):
        if ".tests" not in info.name and ".externals" not in info.name:
            with contextlib.suppress(ImportError):
                names.update(f"{info.name}.{name}" for name in vars(importlib.import_module(info.name)))
    return names


def test_no_estimator_is_also_a_constructor_or_callable():
    from sklearn.utils import all_estimators

    policy = Policy.default()
    names = [public_name(cls) for _, cls in all_estimators()]
    assert len(names) > 150
    assert not any(policy.allows(kind, name) for name in names for kind in ("constructor", "callable"))


# The strict policy --------------------------------------------------------------------------------


def test_the_strict_policy_stands_alone_and_lists_no_callable():
    assert set(FILES["strict"]) == {"allow"}
    assert set(FILES["strict"]["allow"]) == {"classes", "constructors"}


def test_the_strict_policy_allows_nothing_that_the_default_one_does_not():
    policy = Policy.default()
    assert [
        name for library, key, name in ENTRIES if library == "strict" and not policy.allows(KINDS[key], name)
    ] == []


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.preprocessing.FunctionTransformer",
        "sklearn.pipeline.Pipeline",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.feature_extraction.text.CountVectorizer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.utils.Bunch",
    ],
)
def test_the_strict_policy_refuses_what_is_no_linear_model_tree_or_preprocessing(name):
    assert not Policy.of("strict").allows("class", name)


@pytest.mark.parametrize("name", ["linear_model.LogisticRegression", "tree.DecisionTreeClassifier",
                                  "preprocessing.StandardScaler"])  # fmt: skip
def test_the_strict_policy_allows_linear_models_trees_and_preprocessing(name):
    assert Policy.of("strict").allows("class", f"sklearn.{name}")
