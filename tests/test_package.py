"""The package: what the wheel carries, that it works away from the checkout, and what importing it brings along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from email.parser import Parser
from pathlib import Path

import pytest

import reflectio

CHECKOUT = Path(__file__).parent.parent

# What a build reads. It gets a copy: it would leave a folder behind, from which a later build would take old modules.
SOURCES = ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE", "reflectio", "allowlist")

DEPENDENCIES = {
    "attrs",
    "cattrs",
    "numpy",
    "orjson",
    "rich",
    "scikit-learn",
    "scipy",
    "typer",
    "xxhash",
}


def python(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """What a Python process prints that must succeed."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def build(folder: Path, **environment: str) -> Path:
    """Give a folder that the wheel is installed in, and nothing else."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (CHECKOUT / name).is_dir():
            # What was compiled in the checkout would be taken along.
            shutil.copytree(
                CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
            )
        else:
            shutil.copy(CHECKOUT / name, source / name)
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source), **environment)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    shutil.rmtree(source)
    return target


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built in the way that is usual here."""
    return build(tmp_path_factory.mktemp("package"))


def outside(installed: Path, program: str) -> list[str]:
    """
    The lines that a program prints which finds the installed wheel, and of this environment the dependencies only.

    Without ``site`` no ``.pth`` file is read, so that a development install of the checkout cannot be found.
    """
    paths = [str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    start = f"import sys; sys.path[:0] = {paths!r}\n"
    return python("-I", "-S", "-c", start + program, cwd=installed.parent).splitlines()


def test_the_wheel_works_outside_the_checkout(installed: Path) -> None:
    file, *lines = outside(
        installed,
        "import reflectio\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.datasets import load_iris\n"
        "X, y = load_iris(return_X_y=True)\n"
        "model = RandomForestClassifier(5, random_state=0).fit(X, y)\n"
        "print(reflectio.__file__)\n"
        "for format in ('binary', 'json'):\n"
        "    loaded = reflectio.loads(reflectio.dumps(model, format=format))\n"
        "    print((loaded.predict_proba(X) == model.predict_proba(X)).all())\n",
    )
    assert Path(file).is_relative_to(installed)
    assert lines == ["True", "True"]


def test_the_wheel_carries_every_policy(installed: Path) -> None:
    carried = {
        path.name: path.read_bytes() for path in (installed / "reflectio" / "allowlist").glob("*.toml")
    }
    assert carried == {path.name: path.read_bytes() for path in (CHECKOUT / "allowlist").glob("*.toml")}
    assert outside(installed, "import reflectio; print(reflectio.Policy.of('strict').source)") == [
        "the strict policy"
    ]


def test_the_wheel_carries_every_module_and_is_typed(installed: Path) -> None:
    def modules(folder: Path) -> set[Path]:
        return {path.relative_to(folder) for path in folder.rglob("*.py")}

    assert modules(installed / "reflectio") == modules(CHECKOUT / "reflectio")
    assert (installed / "reflectio" / "py.typed").is_file()


def compiled_parts(folder: Path) -> set[str]:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return {path.name.removesuffix(suffix) for path in folder.glob(f"reflectio/compiled/*{suffix}")}


def test_the_wheel_carries_what_was_compiled_and_its_source(installed: Path) -> None:
    sources = {path.stem for path in (CHECKOUT / "reflectio" / "compiled").glob("*.pyx")}
    assert {path.stem for path in installed.glob("reflectio/compiled/*.pyx")} == sources
    if os.environ.get("REFLECTIO_PURE") or not shutil.which(
        (sysconfig.get_config_var("CC") or "cc").split()[0]
    ):
        pytest.skip("nothing can be compiled here")
    assert compiled_parts(installed) == sources
    assert outside(installed, "from reflectio import api; print(api._parsing is not None)") == ["True"]


def test_a_wheel_without_compiled_parts_works(tmp_path: Path) -> None:
    pure = build(tmp_path, REFLECTIO_PURE="1")
    assert compiled_parts(pure) == set()
    program = "import reflectio; print(reflectio.loads(reflectio.dumps([1.5, {'a': None}])))"
    assert outside(pure, program) == ["[1.5, {'a': None}]"]


def test_the_wheel_has_nothing_of_tests_or_benchmarks(installed: Path) -> None:
    folders = {path.name for path in installed.iterdir() if path.is_dir()}
    assert folders - {"bin", "__pycache__"} == {"reflectio", f"reflectio-{reflectio.__version__}.dist-info"}


def test_the_command_of_the_wheel_runs(installed: Path) -> None:
    lines = outside(
        installed, "sys.argv = ['reflectio', '--version']\nimport reflectio.cli; reflectio.cli.main()"
    )
    assert lines == [f"reflectio {reflectio.__version__}"]


def test_the_metadata_names_version_licence_and_dependencies(installed: Path) -> None:
    (path,) = installed.glob("*.dist-info/METADATA")
    described = Parser().parsestr(path.read_text(encoding="utf-8"))
    required = [line for line in described.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.partition(">")[0].strip() for line in required} == DEPENDENCIES
    assert described["Version"] == reflectio.__version__
    assert described["Requires-Python"] == ">=3.11"
    assert described["License-Expression"] == "MIT"
    assert set(described.get_all("Provides-Extra", [])) == {"zstd", "test", "bench", "dev"}


@pytest.mark.parametrize(
    "program",
    [
        "import reflectio",
        "import reflectio; reflectio.loads(reflectio.dumps({'a': [1, 2.5]}))",
        "import reflectio, numpy; reflectio.loads(reflectio.dumps(numpy.arange(1000)))",
        'import reflectio; reflectio.audit(b\'{"reflectio": 1, "versions": {}, "model": '
        '{"$": "sklearn.linear_model.LinearRegression"}}\')',
        "import reflectio.cli",
    ],
)
def test_no_library_is_imported_that_nothing_needs(program: str) -> None:
    show = "import sys; print(sorted({'sklearn', 'scipy', 'pandas', 'joblib'} & set(sys.modules)))"
    assert python("-c", f"{program}\n{show}").splitlines() == ["[]"]


def test_an_audit_does_not_wait_for_numpy() -> None:
    program = (
        "import sys, reflectio\n"
        'reflectio.audit(b\'{"reflectio": 1, "versions": {}, "model": [1]}\')\n'
        "print('numpy' in sys.modules)"
    )
    assert python("-c", program).splitlines() == ["False"]


def test_a_document_brings_in_the_library_that_it_names_and_no_other() -> None:
    document = '{"reflectio": 1, "versions": {}, "model": {"$": "scipy.sparse._csr.csr_array"}}'
    program = (
        "import sys, reflectio\n"
        f"try:\n    reflectio.loads({document!r})\n"
        "except reflectio.UntrustedNameError:\n    pass\n"
        "print('scipy' in sys.modules)\n"
        'reflectio.loads(\'{"reflectio": 1, "versions": {}, "model": '
        '{"$": "sklearn.linear_model.LinearRegression"}}\')\n'
        "print('sklearn' in sys.modules)"
    )
    assert python("-c", program).splitlines() == ["False", "True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script is for a POSIX shell")
def test_the_checks_of_the_project_are_a_script_that_can_be_run() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
