"""What a policy allows, what it refuses, and how it says what is wrong with a policy file."""

from __future__ import annotations

import copy
import math
import os
import pathlib
import subprocess
import sys
import textwrap
import tomllib
import weakref
from collections import OrderedDict

import attrs
import pytest

import reflectio
from reflectio.errors import PolicyError, ReflectioError, UnsupportedTypeError
from reflectio.policy import Limits, Policy

KINDS = ("class", "constructor", "callable")


@pytest.fixture
def write(tmp_path):
    """Writes a policy file and gives its path."""

    def write_file(text, name="policy.toml"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """A package whose module defines one class and one function, and imports others."""
    package = tmp_path / "acme"
    package.mkdir()
    (package / "__init__.py").write_text("from acme.models import Model\n")
    (package / "models.py").write_text(
        "import os\nfrom os import system\nfrom collections import OrderedDict\n"
        "from functools import partial\n\n"
        "class Model:\n    def fit(self): ...\n\n\ndef clip(x): ...\n\nruns = partial(os.system)\nsize = 3\n"
    )
    (package / "models_extra.py").write_text("class Other: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import acme.models
    import acme.models_extra

    yield acme
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
        del sys.modules[name]


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_in_one_list_gives_nothing_in_another(kind):
    key = {"class": "classes", "constructor": "constructors", "callable": "callables"}[kind]
    policy = Policy().extend(**{key: ["acme.Thing"]})
    assert [each for each in KINDS if policy.allows(each, "acme.Thing")] == [kind]


def test_an_empty_policy_allows_nothing():
    assert not any(Policy().allows(kind, "sklearn.svm.SVC") for kind in KINDS)


@pytest.mark.parametrize("name", ["acme.Thing2", "acme.Thin", "acme.Thing.fit", "Thing", "acme", "", "."])
def test_an_exact_name_is_matched_whole(name):
    assert not Policy().extend(classes=["acme.Thing"]).allows("class", name)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("acme.models.Model", True),
        ("acme.models.deep.Model", True),
        ("acme.models.Outer.Inner", True),
        ("acme.models", False),
        ("acme.models.", False),
        ("acme.models_extra.Other", False),
        ("acme.Model", False),
        ("acme.models.Model.__init__.__globals__", False),
        ("acme.models.__builtins__.eval", False),
        ("acme.models.a b", False),
        ("acme.models.*", False),
        ("acme.models..x", False),
    ],
)
def test_a_pattern_covers_names_below_a_module_and_no_dunders(name, allowed):
    assert Policy().extend(classes=["acme.models.*"]).allows("class", name) is allowed


@pytest.mark.parametrize(
    ("kind", "name", "confirmed"),
    [
        ("class", "acme.models.Model", True),
        ("callable", "acme.models.clip", True),
        ("callable", "acme.models.Model.fit", True),
        ("class", "acme.models.OrderedDict", False),
        ("callable", "acme.models.system", False),
        ("callable", "acme.models.runs", False),
        ("callable", "acme.models.os.system", False),
        ("class", "acme.models.clip", False),
        ("callable", "acme.models.size", False),
        ("class", "acme.models.os", False),
    ],
)
def test_a_pattern_covers_what_a_module_defines_and_not_what_it_imports(acme, kind, name, confirmed):
    policy = Policy().extend(classes=["acme.models.*"], callables=["acme.models.*"])
    found = acme
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    assert policy.allows(kind, name)
    assert policy.confirm(kind, name, found) is confirmed


def test_a_pattern_does_not_cover_a_module_whose_name_merely_begins_alike(acme):
    policy = Policy().extend(classes=["acme.models.*"])
    assert not policy.confirm("class", "acme.models.Other", acme.models_extra.Other)


def test_an_exact_name_may_lead_to_a_class_that_is_defined_elsewhere(acme):
    policy = Policy().extend(classes=["acme.Model"])
    assert policy.confirm("class", "acme.Model", acme.Model)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("denied", ["acme.models.Model", "acme.models.*", "acme.*"])
def test_deny_wins_over_every_way_of_allowing_in_every_list(write, kind, denied):
    path = write(f"""
        [deny]
        callables = ["{denied}"]
    """)
    names = ["acme.models.Model", "acme.models.*"]
    policy = Policy.from_file(path).extend(classes=names, constructors=names, callables=names)
    assert not policy.allows(kind, "acme.models.Model")


@pytest.mark.parametrize(
    "denied", ["acme.Model", "acme.models.Model"], ids=["by public name", "by where it is defined"]
)
@pytest.mark.parametrize("name", ["acme.Model", "acme.models.Model"])
def test_a_denied_object_is_refused_under_its_other_names(acme, write, denied, name):
    path = write(f'[allow]\nclasses = ["acme.*", "acme.Model"]\n[deny]\nclasses = ["{denied}"]')
    policy = Policy.from_file(path)
    assert not (policy.allows("class", name) and policy.confirm("class", name, acme.Model))


def test_extend_takes_classes_and_functions_themselves():
    policy = Policy().extend(classes=[OrderedDict], callables=[math.log, len])
    assert policy.allows("class", "collections.OrderedDict")
    assert policy.allows("callable", "math.log")
    assert policy.allows("callable", "builtins.len")


def test_extend_leaves_the_policy_that_it_extends_alone():
    policy = Policy()
    policy.extend(classes=["acme.Thing"])
    assert not policy.allows("class", "acme.Thing")


def test_extend_refuses_what_has_no_importable_name():
    with pytest.raises(UnsupportedTypeError, match="lambda"):
        Policy().extend(callables=[lambda x: x])


def test_extend_refuses_a_single_string_in_place_of_a_list():
    with pytest.raises(PolicyError, match="expected a list"):
        Policy().extend(classes="acme.Thing")


BAD_NAMES = ["*", "Thing", ".*", "acme.", ".acme", "acme..Thing", "acme.*.Thing", "acme.Th*", "acme Thing.x",
             "acme.models.*.*", "1acme.Thing", "", "acme.Thing()"]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_dotted_is_refused_with_the_expected_form(write, name):
    with pytest.raises(PolicyError, match=r"name a module|expected a dotted name"):
        Policy().extend(classes=[name])
    with pytest.raises(PolicyError, match=r"policy\.toml: \[allow\] classes item 1"):
        Policy.from_file(write(f'[allow]\nclasses = ["{name}"]'))


# Policy files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extend = []",
            "unknown key 'extend'; a policy file has the keys extends, allow, deny, limits, versions, locked",
        ),
        (
            "[allow]\nclass = []",
            r"unknown key 'class'; \[allow\] has the keys classes, constructors, callables",
        ),
        ("[limits]\nsize = 1", r"unknown key 'size'; \[limits\] has the keys document_bytes, depth"),
        ("allow = 3", "allow is 3; expected a table with the keys classes, constructors, callables"),
        ('[allow]\nclasses = "acme.X"', r"\[allow\] classes is 'acme.X'; expected a list"),
        ("[deny]\ncallables = [3]", r"\[deny\] callables item 1 is 3; expected a dotted name"),
        ('extends = "default"', "extends is 'default'; expected a list"),
        ("[limits]\ndepth = 0", r"\[limits\] depth is 0; expected a whole number of at least 1"),
        ("[limits]\ndepth = true", r"\[limits\] depth is True; expected a whole number"),
        ('[limits]\ndocument_bytes = "8 GiBs"', r"document_bytes is '8 GiBs'; .* such as \"8 GiB\""),
        ("[limits]\ndocument_bytes = 1.5", "document_bytes is 1.5; expected a number of bytes"),
        ('[versions]\nmismatch = "maybe"', r"\[versions\] mismatch is 'maybe'; expected \"ignore\""),
        ("[allow]\nclasses = [x]", "not valid TOML: .*line 2"),
        ("[allow]\n[allow]", "not valid TOML: .*line 2"),
        (
            'extends = ["nowhere"]',
            "extends 'nowhere', which is neither a file .* nor a built-in list .*default",
        ),
        # What Python, the system or a terminal has no room for.
        (f"[limits]\nnodes = {'1' * 5000}", "'nodes' on line 2 has more digits than a policy file can"),
        (f"x = [\n{'1' * 5000}]", "a number on line 2 has more digits than a policy file can"),
        (f"[limits]\nnodes = 0x{'f' * 5000}", r"\[limits\] nodes is more than 9223372036854775807; expected"),
        (f"[limits]\ntext_bytes = 0x{'f' * 5000}", r"\[limits\] text_bytes is more than .*; expected"),
        (f'[limits]\ntext_bytes = "{"9" * 30} GiB"', r"\[limits\] text_bytes is more than .*; expected"),
        (f'[limits]\ntext_bytes = "{"9" * 5000} B"', r"\[limits\] text_bytes is '9{99}.*; expected"),
        (f'extends = ["{"a" * 5000}"]', r"extends 'a{200}', which cannot be read \(File name too long\)"),
    ],
)
def test_an_error_names_the_file_and_the_key_and_the_expected_form(write, text, message):
    path = write(text)
    with pytest.raises(PolicyError, match=message) as caught:
        Policy.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert isinstance(caught.value, ReflectioError)
    assert isinstance(caught.value, ValueError)


def test_all_errors_of_a_file_are_named_at_once(write):
    with pytest.raises(PolicyError, match=r"depth is 0.*unknown key 'x'"):
        Policy.from_file(write("[limits]\ndepth = 0\n[versions]\nx = 1"))


def test_a_missing_file_a_folder_and_bytes_that_are_no_text_are_clear_errors(tmp_path):
    with pytest.raises(PolicyError, match="no such policy file"):
        Policy.from_file(tmp_path / "none.toml")
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.from_file(tmp_path)
    with pytest.raises(PolicyError, match=r"'a\\x00b' is no path of a policy file"):
        Policy.from_file("a\0b")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.from_file(tmp_path / "loop.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="UTF-8"):
        Policy.from_file(tmp_path / "bytes.toml")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ('"8 GiB"', 8 * 2**30),
        ('"500 MB"', 500 * 10**6),
        ('"500MB"', 500 * 10**6),
        ('"1.5 KiB"', 1536),
        ('"10 kB"', 10_000),
        ('"7 B"', 7),
        ('"2 TiB"', 2**41),
    ],
)
def test_sizes_are_bytes_or_text_with_a_unit(write, text, size):
    assert Policy.from_file(write(f"[limits]\ndocument_bytes = {text}")).limits.document_bytes == size


def test_a_file_without_extends_stands_alone(write):
    policy = Policy.from_file(write('[allow]\nclasses = ["acme.Thing"]'))
    assert policy.allows("class", "acme.Thing")
    assert not policy.allows("class", "sklearn.svm.SVC")
    assert policy.limits == Limits()
    assert policy.mismatch == "warn"


def test_a_file_extends_built_in_lists_by_name_and_files_by_path_relative_to_itself(write, tmp_path):
    (tmp_path / "sub").mkdir()
    write('[allow]\ncallables = ["acme.clip"]', "sub/team.toml")
    write('extends = ["team.toml"]', "sub/other.toml")
    policy = Policy.from_file(write('extends = ["sklearn", "sub/other.toml"]'))
    assert policy.allows("class", "sklearn.svm.SVC")
    assert policy.allows("callable", "acme.clip")
    assert not policy.allows("class", "pandas.DataFrame")


def test_limits_and_versions_are_overridden_key_by_key_by_whoever_extends(write):
    write('[limits]\ndepth = 5\nnodes = 6\n[versions]\nmismatch = "error"', "a.toml")
    write("[limits]\nnodes = 7", "b.toml")
    policy = Policy.from_file(write('extends = ["a.toml", "b.toml"]\n[limits]\ndimensions = 8'))
    assert policy.limits == attrs.evolve(Limits(), depth=5, nodes=7, dimensions=8)
    assert policy.mismatch == "error"


def test_what_an_extended_file_denies_stays_denied(write):
    write('[deny]\nclasses = ["acme.Thing"]', "base.toml")
    policy = Policy.from_file(write('extends = ["base.toml"]\n[allow]\nclasses = ["acme.Thing"]'))
    assert not policy.allows("class", "acme.Thing")


@pytest.mark.parametrize("chain", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_cycle_of_extends_is_an_error_that_shows_it(write, chain):
    for name, following in zip(chain, [*chain[1:], chain[0]], strict=True):
        write(f'extends = ["{following}.toml"]', f"{name}.toml")
    with pytest.raises(PolicyError, match=r"cycle: .*a\.toml -> .*a\.toml"):
        Policy.of(write('extends = ["a.toml"]'))


def test_two_files_may_extend_the_same_third(write):
    write('[allow]\nclasses = ["acme.Thing"]', "base.toml")
    write('extends = ["base.toml"]', "a.toml")
    write('extends = ["base.toml"]', "b.toml")
    assert Policy.from_file(write('extends = ["a.toml", "b.toml"]')).allows("class", "acme.Thing")


# Which policy -------------------------------------------------------------------------------------


def test_none_means_the_default_policy(monkeypatch):
    monkeypatch.delenv("REFLECTIO_POLICY", raising=False)
    assert Policy.of(None) is Policy.default()
    assert Policy.default().allows("class", "sklearn.ensemble.RandomForestClassifier")


def test_none_means_the_file_that_the_environment_names(write, monkeypatch):
    monkeypatch.setenv("REFLECTIO_POLICY", str(write('[allow]\nclasses = ["acme.Thing"]')))
    assert Policy.of(None).allows("class", "acme.Thing")
    assert not Policy.of(None).allows("class", "sklearn.svm.SVC")


def test_an_environment_that_names_no_file_is_an_error_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("REFLECTIO_POLICY", str(tmp_path / "gone.toml"))
    with pytest.raises(PolicyError, match=r"REFLECTIO_POLICY says .*gone\.toml"):
        Policy.of(None)


def test_a_built_in_list_is_a_policy_by_name():
    assert Policy.of("strict").allows("class", "sklearn.linear_model.Ridge")
    assert not Policy.of("strict").allows("class", "sklearn.svm.SVC")


def test_a_policy_is_given_back_as_it_is():
    policy = Policy()
    assert Policy.of(policy) is policy


def test_anything_else_is_refused_as_a_policy():
    with pytest.raises(PolicyError, match="'int'"):
        Policy.of(3)


def test_a_file_is_read_again_only_when_it_or_what_it_extends_changes(write):
    base = write('[allow]\nclasses = ["acme.Thing"]', "base.toml")
    path = write('extends = ["base.toml"]')
    first = Policy.of(path)
    assert Policy.of(str(path)) is first
    base.write_text('[allow]\nclasses = ["acme.Other"]')
    os.utime(base, ns=(1, 1))
    second = Policy.of(path)
    assert second is not first
    assert second.allows("class", "acme.Other")


def test_policies_can_key_a_weak_cache():
    policy = Policy()
    kept = weakref.WeakKeyDictionary({policy: 1})
    assert kept[policy] == 1
    assert policy != Policy()


# Advice -------------------------------------------------------------------------------------------


def test_advice_is_a_policy_file_that_allows_what_was_refused(write):
    refused = {"class": ["acme.Thing", "acme.Other"], "callable": ["acme.clip"]}
    advice = Policy.default().advice(refused)
    assert "REFLECTIO_POLICY" in advice
    text = advice[advice.index("extends") : advice.index("Use it with")]
    assert tomllib.loads(text)["extends"] == ["default"]
    policy = Policy.from_file(write(text))
    assert all(policy.allows(kind, name) for kind, names in refused.items() for name in names)


def test_advice_names_the_file_to_change(write):
    path = write("")
    assert f"add to the policy file ({path})" in Policy.of(path).advice({"class": ["acme.Thing"]})


def test_advice_does_not_offer_to_allow_what_is_denied(write):
    policy = Policy.from_file(write('[deny]\nclasses = ["acme.Thing"]'))
    advice = policy.advice({"class": ["acme.Thing"]})
    assert "denies acme.Thing" in advice
    assert "[allow]" not in advice


@pytest.mark.parametrize(
    "name", ['x"]\n[allow]\nclasses = ["os.system', "acme.*", "nodots", "a.__class__", ""]
)
def test_advice_cannot_be_forged_by_a_hostile_name(name):
    advice = Policy().advice({"class": [name]})
    assert "[allow]\n" not in advice
    assert "No policy can allow" in advice


def test_advice_warns_of_names_of_the_standard_library():
    assert "Beware of random.Random" in Policy.default().advice({"callable": ["random.Random", "acme.clip"]})


def test_advice_does_not_offer_to_allow_what_runs_programs():
    advice = Policy.default().advice(
        {"callable": ["os.system", "acme.clip"], "constructor": ["posix.system"]}
    )
    assert "No policy should allow os.system, posix.system" in advice
    allowing = advice[advice.index("[allow]") :]
    assert "acme.clip" in allowing
    assert "system" not in allowing


# Cost ---------------------------------------------------------------------------------------------


def test_the_module_imports_no_array_library():
    root = pathlib.Path(__file__).parent.parent
    code = (
        "import sys, types; package = types.ModuleType('reflectio'); "
        f"package.__path__ = [{str(root / 'reflectio')!r}]; sys.modules['reflectio'] = package; "
        "from reflectio.policy import Policy; Policy.default(); "
        "print(sorted({'numpy', 'scipy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Locked policies -----------------------------------------------------------------------------------


@pytest.fixture
def lock(write, monkeypatch):
    """Makes a locked policy file that the environment names."""

    def write_lock(text, locked=True):
        path = write(f"locked = {str(locked).lower()}\n{textwrap.dedent(text)}", "system.toml")
        monkeypatch.setenv("REFLECTIO_POLICY", str(path))
        return path

    return write_lock


_LOCK = """
    [allow]
    classes = ["acme.A", "acme.models.*"]
    callables = ["acme.f"]
    [deny]
    classes = ["acme.models.Old"]
    [limits]
    nodes = 1000
    [versions]
    mismatch = "warn"
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["acme.A", "acme.B", "acme.f", "acme.models.New", "acme.models.Old", "os.system"]
)
def test_within_a_locked_policy_a_name_has_to_be_allowed_by_both(lock, kind, name):
    locked = Policy.from_file(lock(_LOCK))
    given = Policy().extend(
        classes=["acme.A", "acme.B", "acme.models.New", "acme.models.Old"], callables=["acme.*", "os.system"]
    )
    assert Policy.of(given).allows(kind, name) == (given.allows(kind, name) and locked.allows(kind, name))


def test_a_file_and_a_built_in_list_are_bound_by_a_locked_policy_too(lock, write):
    lock(_LOCK)
    for given in (write('[allow]\ncallables = ["os.system"]', "own.toml"), "default"):
        policy = Policy.of(given)
        assert not policy.allows("callable", "os.system")
        assert not policy.allows("callable", "numpy.log1p")


def test_extending_the_locked_policy_itself_allows_nothing_more(lock):
    lock(_LOCK)
    extended = Policy.of(None).extend(classes=["acme.B"], callables=["os.system"])
    again = Policy.of(extended).extend(callables=["os.system"])
    for policy in (Policy.of(extended), again, Policy.of(again)):
        assert policy.allows("class", "acme.A")
        assert not policy.allows("class", "acme.B")
        assert not policy.allows("callable", "os.system")


def test_what_either_denies_is_denied_and_the_smaller_limit_and_the_stricter_answer_count(lock, write):
    lock(_LOCK)
    given = write("""
        [allow]
        classes = ["acme.A", "acme.models.*"]
        [deny]
        classes = ["acme.A"]
        [limits]
        nodes = 50
        depth = 99999
        [versions]
        mismatch = "error"
    """)
    policy = Policy.of(given)
    assert not policy.allows("class", "acme.A")
    assert not policy.allows("class", "acme.models.Old")
    assert policy.allows("class", "acme.models.New")
    assert (policy.limits.nodes, policy.limits.depth, policy.mismatch) == (50, 10_000, "error")
    assert Policy.of(Policy(mismatch="ignore", limits=Limits(nodes=5000))).limits.nodes == 1000
    assert Policy.of(Policy(mismatch="ignore")).mismatch == "warn"


_LARGEST = Limits(**dict.fromkeys(attrs.asdict(Limits()), 2**62))


class _Lax(Policy):
    def allows(self, kind, name):
        return True

    def confirm(self, kind, name, obj):
        return True

    def denies(self, name):
        return False


class _Untold(int):
    """A number that says of itself that it is the least of all."""

    def __lt__(self, other):
        return True

    def __gt__(self, other):
        return False


@pytest.mark.parametrize(
    "loosened",
    [
        lambda narrow, locked: attrs.evolve(narrow, limits=_LARGEST, mismatch="ignore"),
        lambda narrow, locked: attrs.evolve(locked, limits=_LARGEST, mismatch="ignore", denied=frozenset()),
        lambda narrow, locked: Policy(_LARGEST, "ignore", allowed=locked.allowed, bounds=locked),
        lambda narrow, locked: Policy(_LARGEST, "ignore", allowed=locked.allowed, bounds=narrow),
        lambda narrow, locked: Policy(
            _LARGEST,
            "ignore",
            allowed=locked.allowed,
            bounds=Policy(_LARGEST, allowed=locked.allowed, bounds=locked),
        ),
        lambda narrow, locked: Policy(attrs.evolve(_LARGEST, nodes=_Untold(2**62)), allowed=locked.allowed),
        lambda narrow, locked: copy.copy(attrs.evolve(narrow, limits=_LARGEST, mismatch="ignore")),
    ],
    ids=["narrowed", "locked itself", "bounds", "narrowed bounds", "bounds of bounds", "numbers", "copy"],
)
def test_a_policy_that_says_that_it_is_within_a_lock_is_bound_all_the_same(lock, loosened):
    lock(_LOCK)
    locked = Policy.of(None)
    policy = Policy.of(loosened(Policy.of(Policy(allowed=locked.allowed)), locked))
    assert type(policy) is Policy
    assert attrs.asdict(policy.limits) == attrs.asdict(locked.limits)
    assert policy.mismatch == "warn"
    assert policy.denies("acme.models.Old")
    assert policy.allows("class", "acme.A")
    for name in ("acme.models.Old", "acme.B", "os.system"):
        assert not policy.allows("class", name)
    assert Policy.of(policy) is policy


@pytest.mark.parametrize(
    "make",
    [lambda locked: _Lax(bounds=locked), lambda locked: Policy(bounds=_Lax(bounds=locked))],
    ids=["itself", "its bounds"],
)
def test_a_policy_with_methods_of_its_own_is_refused_under_a_lock(lock, make):
    lock(_LOCK)
    with pytest.raises(
        PolicyError, match="is locked, and what a policy of type '_Lax' allows cannot be told"
    ):
        Policy.of(make(Policy.of(None)))


def test_a_subclass_cannot_stand_in_for_the_locked_policy(lock):
    lock(_LOCK)
    for policy in (_Lax.of(None), _Lax.of("default"), Policy.of(None), Policy.of("default")):
        assert type(policy) is Policy
        assert not policy.allows("class", "os.system")
    assert type(_Lax.of("strict")) is type(Policy.of("strict")) is Policy


def test_a_policy_is_narrowed_once(lock):
    lock(_LOCK)
    given = Policy().extend(classes=["acme.A"])
    assert Policy.of(given) is Policy.of(given)
    assert Policy.of(Policy.of(given)) is Policy.of(given)
    assert Policy.of(None) is Policy.of(Policy.of(None))


def test_a_policy_that_is_not_locked_binds_nobody(lock):
    lock(_LOCK, locked=False)
    given = Policy().extend(callables=["os.system"])
    assert Policy.of(given) is given


def test_a_module_that_a_locked_pattern_merely_imports_stays_refused(acme, lock):
    lock('[allow]\nclasses = ["acme.models.*"]')
    given = Policy.of(Policy().extend(classes=["acme.models.OrderedDict"]))
    assert not given.confirm("class", "acme.models.OrderedDict", OrderedDict)


def test_the_advice_says_that_only_the_keeper_of_a_locked_policy_can_allow_a_name(lock):
    path = lock(_LOCK)
    advice = Policy.of(Policy()).advice({"class": ["acme.B"]})
    assert "is locked and does not allow acme.B" in advice
    assert str(path) in advice


def test_locked_has_to_be_true_or_false(write):
    with pytest.raises(PolicyError, match="locked is 'yes'; expected true or false"):
        Policy.from_file(write('locked = "yes"'))


def test_the_documented_example_is_a_policy(write):
    folder = pathlib.Path(reflectio.__file__).parent.parent / "allowlist"
    if not (folder / "README.md").exists():
        pytest.skip("the documentation lies in the checkout only")
    (example,) = (folder / "README.md").read_text().split("```toml\n")[1:]
    read = Policy.from_file(write(example.partition("```")[0]))
    assert read.locked
    assert read.mismatch == "error"
    assert read.allows("class", "acme.features.Bins")
    assert not read.allows("class", "sklearn.preprocessing.FunctionTransformer")
    assert read.limits.dimensions == 16
