"""Compression: what shrinks is smaller, comes back exactly, and is refused where it is damaged."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from attacks.attack import binary
from exactness import assert_same
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import reflectio
from reflectio import compression as module

SPECIMENS = Path(__file__).parent / "specimens"

METHODS = ("zlib", "zstd")
CHOICES = [*METHODS, ("zlib", 1), ("zlib", 9), ("zstd", 1), ("zstd", 19)]

every_method = pytest.mark.parametrize("method", METHODS)

X, y = make_classification(300, 10, random_state=0)
MODELS = {
    "a forest": lambda: RandomForestClassifier(5, random_state=0).fit(X, y),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=5).fit(X, y),
    "neighbours in a tree": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, y),
    "support vectors": lambda: SVC().fit(X, y),
    "words": lambda: TfidfVectorizer().fit([f"word{i % 200} and{i % 77}" for i in range(500)]),
}

_RUN = np.arange(3000) % 7
ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "booleans": _RUN > 3,
    "big-endian floats": _RUN.astype(">f8"),
    "complex": _RUN.astype("c16"),
    "text": _RUN.astype("U5"),
    "dates": _RUN.astype("M8[D]"),
    "records": np.rec.fromarrays([_RUN, _RUN.astype("f4")], names="a,b"),
    "raw bytes": _RUN.view("V24"),
    "Fortran order": np.asfortranarray(_RUN.reshape(30, 100)),
    "strides": _RUN[::2],
    "reversed": _RUN[::-1],
    "broadcast": np.broadcast_to(_RUN, (3, 3000)),
    "axes permuted": _RUN.reshape(10, 20, 15).transpose(1, 0, 2),
    "constant": np.zeros(1 << 20),
    "one more byte than a step": np.zeros((1 << 18) + 1, np.uint8),
    "read-only": np.frombuffer(_RUN.tobytes(), _RUN.dtype),
}


def header_of(document: bytes) -> dict[str, Any]:
    header: dict[str, Any] = orjson.loads(document[: document.index(0)])
    return header


def without_digests(document: bytes) -> bytes:
    """A document whose bytes may be changed without its digests telling."""
    header = header_of(document)
    text = document[: document.index(0)]
    segment = document[-header["segment"]["nbytes"] :]
    del header["digest"], header["segment"]["xxh3_128"]
    text = orjson.dumps(header)
    return text + bytes(-len(text) % 64 or 64) + segment


class TestWhatComesBack:
    @pytest.mark.parametrize("choice", CHOICES, ids=str)
    @pytest.mark.parametrize("name", MODELS)
    def test_a_model_comes_back_the_same_from_fewer_bytes(self, name: str, choice: Any) -> None:
        model = MODELS[name]()
        document = reflectio.dumps(model, compression=choice)
        assert len(document) < len(reflectio.dumps(model))
        assert_same(reflectio.loads(document), model)

    @every_method
    @pytest.mark.parametrize("name", ARRAYS)
    def test_an_array_of_any_dtype_and_layout_comes_back_the_same(self, name: str, method: Any) -> None:
        document = reflectio.dumps(ARRAYS[name], compression=method)
        assert b'"compression"' in document
        loaded = reflectio.loads(document)
        assert_same(loaded, reflectio.loads(reflectio.dumps(ARRAYS[name])))
        assert reflectio.dumps(loaded, compression=method) == document

    @every_method
    def test_every_way_of_loading_gives_the_same(self, tmp_path: Path, method: Any) -> None:
        path = tmp_path / "arrays.rfl"
        reflectio.dump(ARRAYS, path, compression=method)
        loaded = reflectio.load(path)
        for way in (reflectio.loads(path.read_bytes()), reflectio.load(io.BytesIO(path.read_bytes()))):
            assert_same(way, loaded)
        with open(path, "rb") as file:
            assert_same(reflectio.load(file), loaded)

    @every_method
    def test_a_mapped_document_has_compressed_arrays_in_memory_of_their_own(
        self, tmp_path: Path, method: Any
    ) -> None:
        rng = np.random.default_rng(0)
        arrays = {"shrinks": np.zeros(1000), "does not": rng.integers(0, 256, 1000, np.uint8)}
        reflectio.dump(arrays, tmp_path / "arrays.rfl", compression=method)
        loaded = reflectio.load(tmp_path / "arrays.rfl", mmap=True)
        assert loaded["shrinks"].flags.owndata
        assert not loaded["does not"].flags.owndata
        assert all(np.array_equal(loaded[name], arrays[name]) for name in arrays)

    @every_method
    def test_a_stored_document_is_read_for_ever(self, method: str) -> None:
        loaded = reflectio.load(SPECIMENS / f"arrays-{method}.rfl")
        assert_same(loaded, specimen())


def specimen() -> dict[str, Any]:
    """What the stored documents hold."""
    return {
        "integers": np.arange(1000),
        "floats": np.asfortranarray(np.arange(600.0).reshape(20, 30) / 8),
        "booleans": np.arange(500) % 3 == 0,
        "records": np.array([(i, i / 4) for i in range(100)], [("count", "<i4"), ("share", "<f8")]),
        "plain": np.arange(65, dtype=np.uint8) * 37,
        "small": np.arange(5),
    }


class TestWhatIsWritten:
    @every_method
    def test_what_does_not_shrink_is_stored_as_it_is(self, method: Any) -> None:
        noise = np.frombuffer(os.urandom(10_000), np.uint8).copy()
        assert reflectio.dumps(noise, compression=method) == reflectio.dumps(noise)

    @every_method
    def test_no_array_takes_more_room_than_it_would_uncompressed(self, method: Any) -> None:
        rng = np.random.default_rng(0)
        taken = []
        for size in range(65, 400, 13):
            document = reflectio.dumps(rng.integers(0, 40, size, np.uint8), compression=method)
            taken.append(header_of(document)["model"].get("compressed_nbytes", 0))
            assert taken[-1] < size
        assert any(taken)

    @every_method
    def test_equal_state_gives_equal_bytes_in_memory_and_in_files(self, tmp_path: Path, method: Any) -> None:
        model = MODELS["a forest"]()
        document = reflectio.dumps(model, compression=method)
        reflectio.dump(model, tmp_path / "model.rfl", compression=method)
        with open(tmp_path / "other.rfl", "wb") as file:
            reflectio.dump(model, file, compression=method)
        assert document == reflectio.dumps(model, compression=method)
        assert document == (tmp_path / "model.rfl").read_bytes() == (tmp_path / "other.rfl").read_bytes()
        assert sorted(os.listdir(tmp_path)) == ["model.rfl", "other.rfl"]

    def test_what_waits_for_the_header_may_be_more_than_memory_is_to_hold(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reflectio.api._SPOOLED_IN_MEMORY", 100)
        monkeypatch.setattr("reflectio.segment_writer._CHUNK", 50)
        reflectio.dump(ARRAYS, tmp_path / "arrays.rfl", compression="zlib")
        assert (tmp_path / "arrays.rfl").read_bytes() == reflectio.dumps(ARRAYS, compression="zlib")
        assert os.listdir(tmp_path) == ["arrays.rfl"]

    def test_a_higher_level_gives_fewer_bytes(self) -> None:
        text = np.array([f"{i * i % 1009:x}" for i in range(5000)])
        for method, low, high in (("zlib", 1, 9), ("zstd", 1, 19)):
            assert len(reflectio.dumps(text, compression=(method, high))) < len(
                reflectio.dumps(text, compression=(method, low))
            )

    def test_a_walk_that_starts_again_leaves_nothing_of_the_first(self) -> None:
        # A lone surrogate is found when all else has been walked.
        model = {"array": np.arange(1000), "text": "\ud800"}
        loaded = reflectio.loads(reflectio.dumps(model, compression="zlib"))
        assert_same(loaded, model)

    def test_an_array_that_is_undone_leaves_nothing(self) -> None:
        # What refers back to the tuple that it lies in is walked twice.
        inner: list[Any] = [np.arange(1000)]
        outer = (inner, np.arange(2000))
        inner.append(outer)
        document = reflectio.dumps(outer, compression="zlib")
        loaded = reflectio.loads(document)
        assert loaded[0][1] is loaded
        assert np.array_equal(loaded[0][0], inner[0])
        assert np.array_equal(loaded[1], outer[1])

    @pytest.mark.parametrize("suffix", [".gz", ".zst", ".zlib", ".rfl.zst"])
    def test_the_name_of_a_path_does_not_choose(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"model{suffix}"
        reflectio.dump(ARRAYS, path)
        assert path.read_bytes() == reflectio.dumps(ARRAYS)
        reflectio.dump(ARRAYS, path, compression="zlib")
        assert path.read_bytes() == reflectio.dumps(ARRAYS, compression="zlib")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "choice",
        [
            "gzip",
            "ZSTD",
            "",
            5,
            True,
            b"zlib",
            ["zlib", 6],
            ("zlib",),
            ("zlib", 6, 6),
            ("gzip", 1),
            ("zlib", None, 1),
        ],
        ids=repr,
    )
    def test_what_is_no_method(self, choice: Any) -> None:
        with pytest.raises(ValueError, match="compression must be None, 'zstd', 'zlib'"):
            reflectio.dumps([1], compression=choice)

    @pytest.mark.parametrize("level", [0, -1, 10, 6.0, "6", True, None], ids=repr)
    def test_what_is_no_level(self, level: Any) -> None:
        with pytest.raises(ValueError, match="from 1 to 9"):
            reflectio.dumps([1], compression=("zlib", level))
        with pytest.raises(ValueError, match="from 1 to 22"):
            reflectio.dumps([1], compression=("zstd", level if level != 10 else 23))

    @every_method
    def test_json_format_has_nothing_to_compress(self, tmp_path: Path, method: Any) -> None:
        with pytest.raises(ValueError, match="JSON format"):
            reflectio.dumps([1], format="json", compression=method)
        with pytest.raises(ValueError, match="JSON format"):
            reflectio.dump([1], tmp_path / "model.json", compression=method)
        assert os.listdir(tmp_path) == []
        reflectio.dump([1], tmp_path / "model.json", format="binary", compression=method)
        assert reflectio.load(tmp_path / "model.json") == [1]

    def test_zstd_without_its_library(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        document = reflectio.dumps(np.zeros(1000), compression=("zstd", 3))
        (tmp_path / "model.rfl").write_bytes(document)
        assert b'"zstd"' in document

        def missing(name: str) -> Any:
            raise ImportError(name)

        monkeypatch.setattr(module.importlib, "import_module", missing)
        module._zstd.cache_clear()
        try:
            with pytest.raises(ImportError, match=r"pip install 'reflectio\[zstd\]'"):
                reflectio.dumps([1], compression="zstd")
            for way in (
                lambda: reflectio.loads(document),
                lambda: reflectio.load(tmp_path / "model.rfl", mmap=True),
            ):
                with pytest.raises(reflectio.DocumentError, match=r"pip install 'reflectio\[zstd\]'"):
                    way()
        finally:
            module._zstd.cache_clear()

    @every_method
    def test_damage_is_found_by_the_digest(self, method: Any) -> None:
        document = bytearray(reflectio.dumps(ARRAYS["text"], compression=method))
        document[-20] ^= 1
        with pytest.raises(reflectio.IntegrityError):
            reflectio.loads(document)

    @every_method
    def test_damage_is_found_without_a_digest(self, tmp_path: Path, method: Any) -> None:
        text = np.array([f"{i * i % 101:x}" for i in range(300)])
        document = without_digests(reflectio.dumps(text, compression=method))
        assert np.array_equal(reflectio.loads(document), text)
        nbytes = header_of(document)["segment"]["nbytes"]
        refused = 0
        for index in range(-nbytes, 0):
            damaged = bytearray(document)
            damaged[index] ^= 4
            try:
                loaded = reflectio.loads(damaged)
            except reflectio.DocumentError:
                refused += 1
                continue
            # Some bits of a stream's beginning say how it was made, and nothing about what is in it.
            assert np.array_equal(loaded, text), index
        assert refused > 0.9 * nbytes

    def test_more_than_the_policy_allows(self, tmp_path: Path) -> None:
        (tmp_path / "policy.toml").write_text("[limits]\nexpanded_bytes = 9000\n")
        two = {"first": np.zeros(1000), "second": np.zeros(1000)}
        reflectio.dump(two, tmp_path / "two.rfl", compression="zlib")
        for mmap in (False, True):
            with pytest.raises(reflectio.LimitError, match=r"^\$\.model\.second: .* 9000 bytes"):
                reflectio.load(tmp_path / "two.rfl", policy=tmp_path / "policy.toml", mmap=mmap)
        # What is not compressed does not count.
        assert len(reflectio.loads(reflectio.dumps(two), policy=tmp_path / "policy.toml")) == 2

    def test_a_document_of_an_attacker_is_made_with_right_digests(self) -> None:
        # What `attacks.compression` relies on: its documents would load, were they not wrong in one place.
        stream = module.zlib.compress(bytes(8000))
        node = {"$": "ndarray", "dtype": "float64", "shape": [1000], "at": 0, "compression": "zlib"}
        loaded = reflectio.loads(binary({**node, "compressed_nbytes": len(stream)}, stream))
        assert not loaded.any()


def test_an_audit_of_a_compressed_document_decompresses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    document = reflectio.dumps(MODELS["a forest"](), compression="zlib")
    monkeypatch.setattr("reflectio.segment.Decompression", None)
    assert reflectio.audit(document).ok


if __name__ == "__main__":
    warnings.simplefilter("error")
    for chosen in METHODS:
        reflectio.dump(specimen(), SPECIMENS / f"arrays-{chosen}.rfl", compression=chosen)
