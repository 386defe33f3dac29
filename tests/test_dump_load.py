"""Files: dumping to paths and file objects, loading from them, mapping, and what the surroundings have a say in."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import pickle
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import joblib
import models
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import reflectio

OLD = b"what was there before"

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


@pytest.fixture
def model() -> Any:
    """A model with arrays on both sides of the line between header and segment."""
    rng = np.random.default_rng(0)
    return LinearRegression().fit(rng.normal(size=(200, 150)), rng.normal(size=200))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that is there already, alone in its folder."""
    path = tmp_path / "model.rfl"
    path.write_bytes(OLD)
    return path


def same_model(loaded: Any, model: Any) -> bool:
    return type(loaded) is type(model) and loaded.coef_.tobytes() == model.coef_.tobytes()


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


class TestFormats:
    @pytest.mark.parametrize("as_path", [str, Path], ids=["str", "Path"])
    @pytest.mark.parametrize("name", ["model.rfl", "model", "model.json.bin", "json"])
    def test_a_path_gets_a_document_in_binary_format(
        self, tmp_path: Path, model: Any, name: str, as_path
    ) -> None:
        reflectio.dump(model, as_path(tmp_path / name))
        assert (tmp_path / name).read_bytes() == reflectio.dumps(model)
        assert same_model(reflectio.load(as_path(tmp_path / name)), model)

    @pytest.mark.parametrize("name", ["model.json", "model.JSON", "a.b.json"])
    def test_a_path_that_ends_in_json_gets_json(self, tmp_path: Path, model: Any, name: str) -> None:
        reflectio.dump(model, tmp_path / name)
        assert (tmp_path / name).read_bytes() == reflectio.dumps(model, format="json")
        assert same_model(reflectio.load(tmp_path / name), model)

    def test_a_format_that_is_given_counts_more_than_the_name(self, tmp_path: Path, model: Any) -> None:
        reflectio.dump(model, tmp_path / "model.json", format="binary")
        assert (tmp_path / "model.json").read_bytes() == reflectio.dumps(model)

    @pytest.mark.parametrize("option", [{"format": "yaml"}, {"compression": "lz4"}], ids=str)
    def test_an_option_with_no_such_value_leaves_the_file(self, old: Path, option: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(option))):
            reflectio.dump([1], old, **option)
        assert old.read_bytes() == OLD


class TestAtomicity:
    def check_that_nothing_happened(self, old: Path) -> None:
        assert old.read_bytes() == OLD
        assert os.listdir(old.parent) == [old.name]

    def test_the_file_is_replaced_and_nothing_else_stays(self, old: Path, model: Any) -> None:
        reflectio.dump(model, old)
        assert same_model(reflectio.load(old), model)
        assert os.listdir(old.parent) == [old.name]

    def test_an_object_that_cannot_be_dumped_leaves_the_file(self, old: Path, model: Any) -> None:
        model.lock_ = threading.Lock()
        with pytest.raises(reflectio.UnsupportedTypeError, match="lock_"):
            reflectio.dump(model, old)
        self.check_that_nothing_happened(old)

    @pytest.mark.parametrize("function", ["fsync", "replace"])
    @pytest.mark.parametrize(
        "error",
        [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()],
        ids=["full disk", "ctrl-c"],
    )
    @pytest.mark.parametrize("with_name", [False, True], ids=["file without a name", "file with a name"])
    def test_a_failure_leaves_the_file(
        self, old: Path, model: Any, monkeypatch, function: str, error: BaseException, with_name: bool
    ) -> None:
        def fail(*args: Any) -> None:
            raise error

        if with_name:
            monkeypatch.delattr(os, "O_TMPFILE", raising=False)
        monkeypatch.setattr(os, function, fail)
        with pytest.raises(type(error)):
            reflectio.dump(model, old)
        self.check_that_nothing_happened(old)

    @POSIX
    def test_a_disk_that_fills_up_leaves_the_file(self, old: Path) -> None:
        result = python(
            "import resource, signal, sys, numpy, reflectio\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try:\n    reflectio.dump(numpy.zeros(100_000), sys.argv[1])\n"
            "except OSError as error:\n    print(error.errno)",
            str(old),
        )
        assert result.stdout.strip() == str(errno.EFBIG), result.stderr
        self.check_that_nothing_happened(old)

    @POSIX
    def test_a_process_that_is_killed_leaves_the_file(self, old: Path) -> None:
        if not _has_files_without_names(old.parent):
            pytest.skip("this file system has no files without a name (O_TMPFILE)")
        result = python(
            "import os, signal, sys, numpy, reflectio\n"
            "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
            "reflectio.dump(numpy.zeros(100_000), sys.argv[1])",
            str(old),
        )
        assert result.returncode == -9, result.stderr
        self.check_that_nothing_happened(old)

    @POSIX
    def test_a_folder_that_cannot_be_written_to_is_an_error_of_the_system(self) -> None:
        # Root may write anywhere, so that the process lays its rights down; pytest's own folders are closed to others.
        folder = Path(tempfile.mkdtemp())
        try:
            (folder / "model.rfl").write_bytes(OLD)
            folder.chmod(0o555)
            result = python(
                "import os, sys, reflectio\n"
                "reflectio.dumps([1])\n"
                "if os.geteuid() == 0:\n    os.seteuid(65534)\n"
                "try:\n    reflectio.dump([1], sys.argv[1])\n"
                "except PermissionError:\n    print('refused')",
                str(folder / "model.rfl"),
            )
            assert result.stdout == "refused\n", result.stderr
            assert (folder / "model.rfl").read_bytes() == OLD
            assert os.listdir(folder) == ["model.rfl"]
        finally:
            folder.chmod(0o755)
            (folder / "model.rfl").unlink()
            folder.rmdir()

    def test_a_folder_that_is_missing_is_an_error_of_the_system(self, tmp_path: Path) -> None:
        path = tmp_path / "missing" / "model.rfl"
        with pytest.raises(FileNotFoundError) as caught:
            reflectio.dump([1], path)
        assert caught.value.filename == str(path)

    def test_a_folder_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        with pytest.raises(OSError, match="folder"):
            reflectio.dump([1], tmp_path / "folder")
        assert os.listdir(tmp_path) == ["folder"]

    def test_a_name_as_long_as_the_system_takes_is_fine(self, tmp_path: Path) -> None:
        path = tmp_path / ("\N{SNAKE}" * 62 + ".rfl")
        reflectio.dump([1], path)
        assert reflectio.load(path) == [1]

    def test_many_threads_leave_one_whole_document(self, tmp_path: Path) -> None:
        path = tmp_path / "model.rfl"
        values = [np.full(10_000, number) for number in range(8)]
        threads = [threading.Thread(target=reflectio.dump, args=(value, path)) for value in values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        loaded = reflectio.load(path)
        assert any(np.array_equal(loaded, value) for value in values)
        assert os.listdir(tmp_path) == ["model.rfl"]


def _has_files_without_names(folder: Path) -> bool:
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except (AttributeError, OSError):
        return False
    return True


@POSIX
class TestPermissions:
    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002], ids=oct)
    @pytest.mark.parametrize("with_name", [False, True], ids=["file without a name", "file with a name"])
    def test_a_new_file_follows_the_umask(
        self, tmp_path: Path, monkeypatch, umask: int, with_name: bool
    ) -> None:
        if with_name:
            monkeypatch.delattr(os, "O_TMPFILE", raising=False)
        before = os.umask(umask)
        try:
            reflectio.dump([1], tmp_path / "model.rfl")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "model.rfl").stat().st_mode) == 0o666 & ~umask

    @pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o444, 0o755], ids=oct)
    def test_a_file_that_is_replaced_keeps_its_permissions(self, old: Path, permissions: int) -> None:
        old.chmod(permissions)
        reflectio.dump([1], old)
        assert stat.S_IMODE(old.stat().st_mode) == permissions
        assert reflectio.load(old) == [1]

    def test_a_symbolic_link_stays_one(self, tmp_path: Path, old: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "elsewhere" / "link.rfl"
        link.symlink_to(Path("..") / old.name)
        reflectio.dump([1], link)
        assert link.is_symlink()
        assert reflectio.load(old) == [1]
        assert os.listdir(tmp_path / "elsewhere") == ["link.rfl"]

    def test_a_symbolic_link_to_nothing_creates_what_it_points_to(self, tmp_path: Path) -> None:
        (tmp_path / "link.rfl").symlink_to("target.rfl")
        reflectio.dump([1], tmp_path / "link.rfl")
        assert (tmp_path / "link.rfl").is_symlink()
        assert reflectio.load(tmp_path / "target.rfl") == [1]

    def test_a_pipe_with_a_name_is_written_to_and_read_from(self, tmp_path: Path, model: Any) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=reflectio.dump, args=(model, pipe))
        writer.start()
        loaded = reflectio.load(pipe)
        writer.join()
        assert same_model(loaded, model)
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_a_device_stays_one(self) -> None:
        reflectio.dump([1], os.devnull)
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


class _ShortWrites(io.RawIOBase):
    """A raw file that takes at most 1000 bytes at a time."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data[:1000])
        self.taken += part
        return len(part)


class _FullNow(io.RawIOBase):
    """A raw file that does not wait, and takes nothing."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        return None

    def readinto(self, buffer: Any) -> None:
        return None


class _OnlyWrite:
    """The least that a file can be, from which nothing comes back."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: Any) -> None:
        self.taken += data


class _OnlyRead:
    """The least that a file can be: it gives at most 7 bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.rest.read(min(size, 7))


class _Endless(io.RawIOBase):
    """A document without an end."""

    beginning = b'{"a": "'

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[:] = self.beginning.ljust(len(buffer))[: len(buffer)]
        self.beginning = b""
        return len(buffer)


class TestFileObjects:
    @pytest.mark.parametrize("format", ["binary", "json"])
    def test_bytes_in_memory_take_and_give_a_document(self, model: Any, format: Any) -> None:
        buffer = io.BytesIO(b"before")
        buffer.seek(6)
        reflectio.dump(model, buffer, format=format)
        assert buffer.getvalue() == b"before" + reflectio.dumps(model, format=format)
        buffer.seek(6)
        assert same_model(reflectio.load(buffer), model)

    def test_a_file_object_gets_binary_format_whatever_its_name(self, tmp_path: Path, model: Any) -> None:
        with open(tmp_path / "model.json", "wb") as file:
            reflectio.dump(model, file)
        assert (tmp_path / "model.json").read_bytes() == reflectio.dumps(model)

    @pytest.mark.parametrize("buffering", [0, -1], ids=["unbuffered", "buffered"])
    def test_an_open_file_takes_and_gives_a_document(
        self, tmp_path: Path, model: Any, buffering: int
    ) -> None:
        with open(tmp_path / "model.rfl", "wb", buffering=buffering) as file:
            reflectio.dump(model, file)
        with open(tmp_path / "model.rfl", "rb", buffering=buffering) as file:
            assert same_model(reflectio.load(file), model)

    def test_a_compressed_file_takes_and_gives_a_document(self, tmp_path: Path, model: Any) -> None:
        with gzip.open(tmp_path / "model.rfl.gz", "wb") as file:
            reflectio.dump(model, file)  # type: ignore[arg-type]
        with gzip.open(tmp_path / "model.rfl.gz", "rb") as file:
            assert same_model(reflectio.load(file), model)  # type: ignore[arg-type]

    def test_a_pipe_takes_and_gives_a_document(self, model: Any) -> None:
        reading, writing = os.pipe()

        def write() -> None:
            with open(writing, "wb", buffering=0) as file:
                reflectio.dump(model, file)

        writer = threading.Thread(target=write)
        writer.start()
        with open(reading, "rb") as file:
            assert not file.seekable()
            assert same_model(reflectio.load(file), model)
        writer.join()

    @pytest.mark.parametrize("buffering", [0, None], ids=["unbuffered", "buffered"])
    def test_a_socket_takes_and_gives_a_document(self, model: Any, buffering: int | None) -> None:
        sending, receiving = socket.socketpair()

        def send() -> None:
            with sending, sending.makefile("wb", buffering=buffering) as file:
                reflectio.dump(model, file)  # type: ignore[arg-type]

        sender = threading.Thread(target=send)
        sender.start()
        with receiving, receiving.makefile("rb", buffering=buffering) as file:
            assert same_model(reflectio.load(file), model)  # type: ignore[arg-type]
        sender.join()

    def test_a_file_that_takes_a_part_at_a_time_gets_all(self, model: Any) -> None:
        file = _ShortWrites()
        reflectio.dump(model, file)  # type: ignore[arg-type]
        assert bytes(file.taken) == reflectio.dumps(model)

    def test_write_and_read_are_all_that_is_needed(self, model: Any) -> None:
        file = _OnlyWrite()
        reflectio.dump(model, file)  # type: ignore[arg-type]
        assert bytes(file.taken) == reflectio.dumps(model)
        assert same_model(reflectio.load(_OnlyRead(bytes(file.taken))), model)  # type: ignore[arg-type]

    def test_nothing_is_written_of_an_object_that_cannot_be_dumped(self) -> None:
        buffer = io.BytesIO()
        with pytest.raises(reflectio.UnsupportedTypeError):
            reflectio.dump([np.zeros(1000), threading.Lock()], buffer)
        assert buffer.getvalue() == b""

    def test_a_file_that_does_not_wait_is_no_silent_loss(self) -> None:
        with pytest.raises(BlockingIOError):
            reflectio.dump([1], _FullNow())  # type: ignore[arg-type]
        with pytest.raises(BlockingIOError):
            reflectio.load(_FullNow())  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "file", [io.StringIO(), 3, None, b"model.rfl"], ids=lambda file: type(file).__name__
    )
    def test_what_is_no_binary_file_is_a_type_error(self, file: Any) -> None:
        with pytest.raises(TypeError, match="binary mode"):
            reflectio.dump([1], file)
        with pytest.raises(TypeError, match="binary mode"):
            reflectio.load(file)

    def test_a_stream_without_an_end_stops_at_the_limit(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[limits]\ndocument_bytes = "50 MB"\n')
        with pytest.raises(reflectio.LimitError, match="50000000"):
            reflectio.load(_Endless(), policy=policy)  # type: ignore[arg-type]

    def test_a_file_beyond_the_limit_is_not_read(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text("[limits]\ndocument_bytes = 1000\n")
        reflectio.dump(np.zeros(1000), tmp_path / "model.rfl")
        with pytest.raises(reflectio.LimitError, match="1000"):
            reflectio.load(tmp_path / "model.rfl", policy=policy)


class TestMapping:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "arrays.rfl"
        arrays = {
            "C": np.arange(6000.0).reshape(60, 100),
            "F": np.asfortranarray(np.arange(600, dtype=np.int32).reshape(20, 30)),
            "odd": np.arange(777, dtype=np.uint8),
            "records": np.zeros(100, [("a", "i1"), ("b", "f8")]),
            "small": np.arange(3),
        }
        reflectio.dump(arrays, path)
        return path

    def test_arrays_are_those_of_a_plain_load(self, path: Path) -> None:
        plain, mapped = reflectio.load(path), reflectio.load(path, mmap=True)
        for name, array in plain.items():
            assert (mapped[name].dtype, mapped[name].strides) == (array.dtype, array.strides)
            assert mapped[name].tobytes() == array.tobytes()

    @pytest.mark.parametrize("name", ["C", "F", "odd", "records"])
    def test_arrays_start_at_multiples_of_64_bytes(self, path: Path, name: str) -> None:
        assert reflectio.load(path, mmap=True)[name].ctypes.data % 64 == 0

    @pytest.mark.parametrize("name", ["C", "F", "odd", "records"])
    def test_large_arrays_share_the_memory_of_the_file(self, path: Path, name: str) -> None:
        assert not reflectio.load(path, mmap=True)[name].flags.owndata
        assert reflectio.load(path)[name].base is None or reflectio.load(path)[name].base.base is None

    @pytest.mark.parametrize("name", ["C", "F", "odd"])
    def test_writing_changes_neither_the_file_nor_another_load(self, path: Path, name: str) -> None:
        before = path.read_bytes()
        first, second = reflectio.load(path, mmap=True), reflectio.load(path, mmap=True)
        expected = second[name].copy()
        first[name][...] = 99
        assert (first[name] == 99).all()
        assert np.array_equal(second[name], expected)
        del first
        assert path.read_bytes() == before
        assert np.array_equal(reflectio.load(path)[name], expected)

    def test_a_read_only_array_stays_so(self, tmp_path: Path) -> None:
        array = np.arange(1000)
        array.flags.writeable = False
        reflectio.dump(array, tmp_path / "array.rfl")
        assert not reflectio.load(tmp_path / "array.rfl", mmap=True).flags.writeable

    def test_a_model_can_be_dumped_over_the_file_that_it_is_mapped_from(self, path: Path) -> None:
        arrays = reflectio.load(path, mmap=True)
        arrays["C"] += 1
        reflectio.dump(arrays, path)
        assert np.array_equal(reflectio.load(path)["C"], np.arange(6000.0).reshape(60, 100) + 1)
        assert np.array_equal(arrays["C"], np.arange(6000.0).reshape(60, 100) + 1)

    def test_a_model_predicts_and_trains_on(self, tmp_path: Path) -> None:
        X = np.random.default_rng(0).normal(size=(300, 100))
        scaler = StandardScaler().fit(X)
        reflectio.dump(scaler, tmp_path / "scaler.rfl")
        mapped = reflectio.load(tmp_path / "scaler.rfl", mmap=True)
        assert mapped.transform(X).tobytes() == scaler.transform(X).tobytes()
        assert mapped.partial_fit(X + 1).mean_.tobytes() == scaler.partial_fit(X + 1).mean_.tobytes()

    @pytest.mark.parametrize("format", ["binary", "json"])
    def test_a_document_without_a_segment_can_be_mapped(self, tmp_path: Path, format: Any) -> None:
        reflectio.dump([1, 2], tmp_path / "list.rfl", format=format)
        assert reflectio.load(tmp_path / "list.rfl", mmap=True) == [1, 2]

    def test_only_a_path_can_be_mapped(self) -> None:
        with pytest.raises(ValueError, match="path"):
            reflectio.load(io.BytesIO(reflectio.dumps([1])), mmap=True)

    def test_a_truncated_file_is_refused(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(reflectio.DocumentError, match="truncated"):
            reflectio.load(path, mmap=True)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")


class TestWhatCannotBeLoaded:
    @pytest.mark.parametrize("mmap", [False, True], ids=["read", "mapped"])
    @pytest.mark.parametrize(
        ("write", "message"),
        [
            (lambda path: path.write_bytes(b""), "empty"),
            (lambda path: path.write_bytes(bytes(1000)), "empty"),
            (lambda path: path.write_bytes(pickle.dumps([1, 2], 5)), "pickle"),
            (lambda path: joblib.dump(np.zeros(100), path), "pickle or joblib"),
            (lambda path: joblib.dump(np.zeros(100), path, compress=True), "zlib"),
            (_zip, "zip archive"),
            (lambda path: path.write_bytes(gzip.compress(b"{}")), "gzip"),
            (lambda path: path.write_text("Dear diary,"), "not a reflectio document"),
            (lambda path: path.write_text("[1, 2]"), "not a reflectio document"),
            (lambda path: path.write_text('{"a": 1}'), "not a reflectio document"),
            (lambda path: path.write_text('{"reflectio": 1}', encoding="utf-8-sig"), "byte order mark"),
            (lambda path: path.write_text('{"reflectio": 1}', encoding="utf-16"), "UTF-16"),
            (
                lambda path: path.write_text('{"reflectio": 2, "versions": {}, "model": 1}'),
                "format version 2",
            ),
            (lambda path: path.write_bytes(reflectio.dumps([1])[:-5]), "truncated"),
        ],
        ids=[
            "empty file",
            "zeros",
            "pickle",
            "joblib",
            "compressed joblib",
            "zip",
            "gzip",
            "text",
            "another JSON list",
            "another JSON object",
            "byte order mark",
            "UTF-16",
            "a later format",
            "truncated",
        ],
    )
    def test_what_is_no_document_gives_one_clear_error(
        self, tmp_path: Path, write: Any, message: str, mmap: bool
    ) -> None:
        write(tmp_path / "file")
        with pytest.raises(reflectio.DocumentError, match=message):
            reflectio.load(tmp_path / "file", mmap=mmap)

    @pytest.mark.parametrize("mmap", [False, True], ids=["read", "mapped"])
    def test_a_missing_file_or_a_folder_is_an_error_of_the_system(self, tmp_path: Path, mmap: bool) -> None:
        with pytest.raises(FileNotFoundError):
            reflectio.load(tmp_path / "missing", mmap=mmap)
        with pytest.raises(OSError, match=tmp_path.name):
            reflectio.load(tmp_path, mmap=mmap)

    def test_an_edited_header_is_refused_until_its_digest_is_deleted(self, tmp_path: Path) -> None:
        path = tmp_path / "model.rfl"
        reflectio.dump({"slope": 2.0}, path)
        edited = path.read_bytes().replace(b"2.0", b"3.0")
        path.write_bytes(edited)
        with pytest.raises(reflectio.IntegrityError, match="Delete the member 'digest'"):
            reflectio.load(path)
        path.write_bytes(edited[: edited.index(b',"digest"')] + b"}")
        assert reflectio.load(path) == {"slope": 3.0}

    def test_a_damaged_segment_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "array.rfl"
        reflectio.dump(np.arange(1000), path)
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(reflectio.IntegrityError, match="segment"):
            reflectio.load(path)


def _from_bytes(path: Path, **options: Any) -> Any:
    return reflectio.loads(path.read_bytes(), **options)


def _from_text(path: Path, **options: Any) -> Any:
    return reflectio.loads(path.read_text(), **options)


def _from_path(path: Path, **options: Any) -> Any:
    return reflectio.load(path, **options)


def _from_file(path: Path, **options: Any) -> Any:
    with open(path, "rb") as file:
        return reflectio.load(file, **options)


def _mapped(path: Path, **options: Any) -> Any:
    return reflectio.load(path, mmap=True, **options)


WAYS = pytest.mark.parametrize("load", [_from_bytes, _from_text, _from_path, _from_file, _mapped])


class TestVersions:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A document that scikit-learn 0.1 and numpy 0.2 would have written."""
        path = tmp_path / "model.json"
        reflectio.dump([LinearRegression(), LinearRegression(), np.float32(1)], path)
        header = path.read_text()
        versions = header[header.index('"versions"') : header.index("}") + 1]
        written = '"versions": {"python": "2.7", "reflectio": "9.9", "numpy": "0.2", "scikit-learn": "0.1"}'
        path.write_text(header.replace(versions, written))
        return path

    def policy(self, path: Path, mismatch: str) -> Path:
        policy = path.with_name("policy.toml")
        policy.write_text(f'extends = ["default"]\n[versions]\nmismatch = "{mismatch}"\n')
        return policy

    @WAYS
    def test_other_versions_give_one_warning_a_load_at_the_line_of_the_caller(
        self, path: Path, load: Any
    ) -> None:
        with pytest.warns(reflectio.VersionWarning) as caught:
            load(path)
        (warning,) = caught
        for part in ("scikit-learn 0.1", "numpy 0.2", np.__version__):
            assert part in str(warning.message)
        assert "python" not in str(warning.message)
        assert Path(warning.filename).name == Path(__file__).name

    @WAYS
    def test_the_policy_may_make_it_an_error(self, path: Path, load: Any) -> None:
        with pytest.raises(reflectio.ValidationError, match=r"^\$\.versions: .*scikit-learn 0\.1"):
            load(path, policy=self.policy(path, "error"))

    @WAYS
    def test_the_policy_may_ignore_it(self, path: Path, load: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", reflectio.VersionWarning)
            load(path, policy=self.policy(path, "ignore"))

    def test_equal_versions_give_no_warning(self, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reflectio.loads(reflectio.dumps(LinearRegression()))

    def test_a_library_that_is_not_installed_is_said_to_be_missing(self) -> None:
        document = '{"reflectio": 1, "versions": {"no-such-distribution": "1.0"}, "model": 1}'
        with pytest.warns(reflectio.VersionWarning, match="not installed"):
            assert reflectio.loads(document) == 1

    @pytest.mark.parametrize("versions", ['{"numpy": 1}', '{"numpy": null}', "[]", '"1"'])
    @pytest.mark.parametrize("mismatch", ["warn", "ignore"])
    def test_versions_of_another_form_are_refused(self, tmp_path: Path, versions: str, mismatch: str) -> None:
        document = f'{{"reflectio": 1, "versions": {versions}, "model": 1}}'
        with pytest.raises(reflectio.DocumentError, match=r"\$\.versions"):
            reflectio.loads(document, policy=self.policy(tmp_path / "document", mismatch))

    @pytest.mark.parametrize(
        "name", ["", "../../etc", "a" * 10_000, "\0", "*"], ids=lambda name: repr(name[:10])
    )
    def test_a_library_may_have_any_name(self, name: str) -> None:
        document = json.dumps({"reflectio": 1, "versions": {name: "1"}, "model": 1})
        with pytest.warns(reflectio.VersionWarning, match="not installed"):
            assert reflectio.loads(document) == 1

    def test_more_libraries_than_any_model_needs_are_refused(self) -> None:
        versions = {f"library{number}": "1" for number in range(300)}
        with pytest.raises(reflectio.DocumentError, match=r"^\$\.versions: .*300"):
            reflectio.loads(json.dumps({"reflectio": 1, "versions": versions, "model": 1}))

    def test_only_libraries_whose_names_occur_are_written(self) -> None:
        versions = reflectio.audit(reflectio.dumps(LinearRegression())).versions
        assert list(versions) == ["python", "reflectio", "scikit-learn"]


class TestMetadata:
    @pytest.mark.parametrize(
        "metadata",
        [
            {"author": "Ada", "score": 0.93, "tags": ["a", None, True], "nested": {"ü": "\u2028\0"}},
            "a note",
            "",
            0,
            False,
            [],
            {},
            2**63 - 1,
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("name", ["model.rfl", "model.json"])
    def test_it_comes_back_from_an_audit(self, tmp_path: Path, metadata: Any, name: str) -> None:
        reflectio.dump(np.zeros(100), tmp_path / name, metadata=metadata)
        found = reflectio.audit(tmp_path / name).metadata
        assert found == metadata
        assert type(found) is type(metadata)

    def test_it_changes_nothing_of_the_model(self, model: Any) -> None:
        assert same_model(reflectio.loads(reflectio.dumps(model, metadata={"a": 1})), model)

    def test_without_it_the_header_has_no_such_member(self) -> None:
        assert b"metadata" not in reflectio.dumps([1])
        assert reflectio.audit(reflectio.dumps([1])).metadata is None

    @pytest.mark.parametrize(
        "metadata",
        [
            {"a": object()},
            {1: "a"},
            (1, 2),
            float("nan"),
            {"a": [np.float64(1)]},
            2**80,
            {"a": {1, 2}},
            "\ud800",
        ],
        ids=["an object", "a key", "a tuple", "nan", "numpy", "a long integer", "a set", "a surrogate"],
    )
    def test_what_json_cannot_say_is_refused_with_its_place(self, old: Path, metadata: Any) -> None:
        with pytest.raises(reflectio.UnsupportedTypeError, match=r"^\$\.metadata: "):
            reflectio.dump([1], old, metadata=metadata)
        assert old.read_bytes() == OLD


class TestPolicies:
    @pytest.fixture
    def own(self, tmp_path: Path) -> tuple[bytes, Path]:
        """A document that needs a function outside every built-in list, and the policy that allows it."""
        policy = tmp_path / "policy.toml"
        policy.write_text('extends = ["default"]\n[allow]\ncallables = ["models.clip"]\n')
        return reflectio.dumps(FunctionTransformer(models.clip)), policy

    def test_the_default_refuses_and_says_which_lines_would_allow(self, own: tuple[bytes, Path]) -> None:
        with pytest.raises(reflectio.UntrustedNameError, match=r'"models\.clip"') as caught:
            reflectio.loads(own[0])
        assert caught.value.names == ("models.clip",)
        assert "REFLECTIO_POLICY" in str(caught.value)

    @pytest.mark.parametrize(
        "as_policy", [str, Path, reflectio.Policy.from_file], ids=["str", "Path", "Policy"]
    )
    def test_a_policy_is_a_path_or_an_object(
        self, own: tuple[bytes, Path], tmp_path: Path, as_policy: Any
    ) -> None:
        (tmp_path / "model.rfl").write_bytes(own[0])
        for loaded in (
            reflectio.loads(own[0], policy=as_policy(own[1])),
            reflectio.load(tmp_path / "model.rfl", policy=as_policy(own[1])),
            reflectio.load(tmp_path / "model.rfl", policy=as_policy(own[1]), mmap=True),
        ):
            assert loaded.func.__name__ == "clip"
        assert reflectio.audit(own[0], policy=as_policy(own[1])).ok

    def test_a_policy_is_the_name_of_a_built_in_list(self) -> None:
        document = reflectio.dumps(make_pipeline(LinearRegression()))
        assert reflectio.loads(document, policy="default").steps
        with pytest.raises(reflectio.UntrustedNameError, match="Pipeline"):
            reflectio.loads(document, policy="strict")

    def test_the_environment_names_the_policy_for_whoever_gives_none(
        self, own: tuple[bytes, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REFLECTIO_POLICY", str(own[1]))
        assert reflectio.loads(own[0]).func.__name__ == "clip"
        assert reflectio.load(io.BytesIO(own[0])).func.__name__ == "clip"
        assert reflectio.audit(own[0]).ok
        with pytest.raises(reflectio.UntrustedNameError):
            reflectio.loads(own[0], policy=reflectio.Policy.default())

    @pytest.mark.parametrize("value", ["", "default"])
    def test_an_empty_variable_means_the_default(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("REFLECTIO_POLICY", value)
        assert type(reflectio.loads(reflectio.dumps(LinearRegression()))) is LinearRegression

    @pytest.mark.parametrize(
        ("text", "message"),
        [("[allow", "not valid TOML"), ("nonsense = 1", "nonsense"), (None, "neither a file")],
    )
    def test_a_variable_that_names_no_policy_is_an_error_and_never_the_default(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, message: str
    ) -> None:
        path = tmp_path / "policy.toml"
        if text is not None:
            path.write_text(text)
        monkeypatch.setenv("REFLECTIO_POLICY", str(path))
        with pytest.raises(reflectio.PolicyError, match=message):
            reflectio.loads(reflectio.dumps([1]))

    @pytest.mark.parametrize("policy", [3, ["default"], b"default"], ids=repr)
    def test_what_is_no_policy_is_an_error(self, policy: Any) -> None:
        with pytest.raises(reflectio.PolicyError, match=type(policy).__name__):
            reflectio.loads(reflectio.dumps([1]), policy=policy)
