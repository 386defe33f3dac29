"""
The compiled parts: what they read is what Python reads, and what they write is what Python writes.

Whatever the text, a document that is read in one pass has to be one that is accepted otherwise as well, and the same object.
"""

from __future__ import annotations

import copy
import functools
import gc
import hashlib
import os
import pickle
import random
import re
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import orjson
import pytest
import sklearn
import zoo
from as_written import as_written
from both_ways import (
    NUMBERS,
    TEXTS,
    forged,
    load_both_ways,
    put_together,
    read_in_one_pass,
    taken_apart,
)
from fuzz.mutations import mutate
from hypothesis import HealthCheck, given, settings
from strategies import arrays, values

import reflectio
from reflectio import api, compiled
from reflectio.policy import Limits

NAMES = sorted(path.stem for path in Path(compiled.__file__).parent.glob("*.pyx"))
TESTS = Path(__file__).parent

if os.environ.get("REFLECTIO_PURE"):
    pytest.skip("REFLECTIO_PURE is set: Python does it all", allow_module_level=True)
if all(compiled.part(name) is None for name in NAMES):
    pytest.skip("nothing was compiled here", allow_module_level=True)

MUTATIONS = 400
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_built_and_of_this_checkout(name):
    part = compiled.part(name)
    assert part is not None
    assert Path(part.__file__).parent == Path(compiled.__file__).parent


def test_the_parts_are_in_use():
    assert api._parsing is compiled.part("parsing")
    assert api.Decoder.__mro__[1] is compiled.part("reading").Walk
    document = reflectio.dumps({"a": np.arange(3.0), "b": [1, "x", None]})
    reflectio.loads(document)
    assert read_in_one_pass(document)
    assert load_both_ways(document) == ""


@pytest.mark.parametrize("format", ["binary", "json"])
def test_all_of_the_zoo_is_read_in_one_pass(format):
    names = zoo.instance_names()
    left = []
    for index, name in enumerate(names):
        document = reflectio.dumps(zoo.fitted(index, "float64")[0], format=format)
        # What its nodes mean here is known from then on.
        reflectio.loads(document)
        if not read_in_one_pass(document):
            left.append(name)
    print(f"{len(names) - len(left)} of {len(names)} models are read in one pass, in {format} format")
    assert len(names) > 200
    assert not left


# -- odd texts -------------------------------------------------------------------------------------------------------


@functools.cache
def beginning() -> bytes:
    """A header up to its model, of versions that are known here."""
    document = reflectio.dumps({"scaler": fitted("StandardScaler")})
    reflectio.loads(document)
    body, _ = taken_apart(document)
    return body[: body.index(b'"model":') + len(b'"model":')]


@functools.cache
def fitted(name: str) -> Any:
    index = next(i for i, known in enumerate(zoo.instance_names()) if known.endswith(name))
    return zoo.fitted(index, "float64")[0]


def with_model(model: bytes, segment: bytes | None = None) -> bytes:
    return put_together(beginning() + model.replace(b"VERSION", sklearn.__version__.encode()), segment)


FIELDS = (
    "float64", "float32", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool", "float16", "<U2",
)  # fmt: skip

PLACES = {
    "alone": b"%s",
    "item": b"[1,%s,2]",
    "last": b"[%s]",
    "member": b'{"a":%s,"b":1}',
    "element": b'{"$":"ndarray","dtype":"float64","shape":[2],"data":[%s,1]}',
    "float32": b'{"$":"ndarray","dtype":"float32","shape":[1],"data":[%s]}',
    "integer": b'{"$":"ndarray","dtype":"int64","shape":[1,2],"data":[[0,%s]]}',
    "int8": b'{"$":"ndarray","dtype":"int8","shape":[1],"data":[%s]}',
    "uint64": b'{"$":"ndarray","dtype":"uint64","shape":[1],"data":[%s]}',
    "uint8": b'{"$":"ndarray","dtype":"uint8","shape":[1],"data":[%s]}',
    "int32": b'{"$":"ndarray","dtype":"int32","shape":[1],"data":[%s]}',
    "uint32": b'{"$":"ndarray","dtype":"uint32","shape":[1],"data":[%s]}',
    "bool": b'{"$":"ndarray","dtype":"bool","shape":[1],"data":[%s]}',
    "dtype": b'{"$":"ndarray","dtype":%s,"shape":[1],"data":[1]}',
    "shape": b'{"$":"ndarray","dtype":"float64","shape":[%s],"data":[1]}',
    "data": b'{"$":"ndarray","dtype":"float64","shape":[1],"data":%s}',
    "strides": b'{"$":"ndarray","dtype":"int8","shape":[2],"strides":[%s],"data":[1,2]}',
    "order": b'{"$":"ndarray","dtype":"int8","shape":[2],"order":%s,"data":[1,2]}',
    "at": b'{"$":"ndarray","dtype":"int8","shape":[0],"at":%s}',
    "id": b'[{"$":"ndarray","$id":%s,"dtype":"int8","shape":[1],"data":[1]},{"$":"ref","id":1}]',
    "ref": b'[{"$":"ndarray","$id":1,"dtype":"int8","shape":[1],"data":[1]},{"$":"ref","id":%s}]',
    "float64": b'{"$":"scalar","dtype":"float64","value":%s}',
    "int64": b'{"$":"scalar","dtype":"int64","value":%s}',
    "tuple": b'{"$":"tuple","items":[%s]}',
    "items": b'{"$":"tuple","items":%s}',
    "set": b'{"$":"set","items":[%s]}',
    "tag": b'{"$":%s,"items":[]}',
    "attribute": b'{"$":"sklearn.preprocessing.StandardScaler","copy":%s,"with_mean":true,"_sklearn_version":"VERSION"}',
    "object": b'{"$":"sklearn.preprocessing.StandardScaler","$id":%s,"copy":true,"_sklearn_version":"VERSION"}',
} | {
    f"field {kind}": b'{"$":"ndarray","dtype":{"$":"dtype","names":["a","b"],"formats":["bool","%s"],"offsets":[0,1],"itemsize":12},'
    b'"shape":[2],"data":[[true,%%s],[false,%s]]}' % (kind.encode(), b"true" if kind == "bool" else b"1")
    for kind in FIELDS
}
KEYS = {
    "key": b"{%s:1}",
    "second key": b'{"a":1,%s:2}',
    "name": b'{"$":"sklearn.preprocessing.StandardScaler",%s:true,"_sklearn_version":"VERSION"}',
    "second name": b'{"$":"sklearn.preprocessing.StandardScaler","copy":true,%s:true,"_sklearn_version":"VERSION"}',
    "member": b'{"$":"ndarray",%s:"float64","shape":[1],"data":[1]}',
    "tag": b'{%s:"ref","id":1}',
}


@pytest.mark.parametrize("place", PLACES)
def test_odd_numbers_and_texts(place):
    for value in (*NUMBERS, *TEXTS):
        load_both_ways(with_model(PLACES[place] % value))


@pytest.mark.parametrize("place", KEYS)
def test_odd_keys(place):
    for key in (
        *TEXTS,
        b'"a"',
        b'"copy"',
        b'"_sklearn_version"',
        b'"__class__"',
        b'"fit"',
        b'"$state"',
        b"1",
        b"null",
    ):
        load_both_ways(with_model(KEYS[place] % key))


def test_a_long_header_before_a_segment_is_read_in_one_pass():
    document = reflectio.dumps([np.arange(1000.0), {f"word {index}": index for index in range(10_000)}])
    assert document.index(0) > 1 << 17
    # The versions that it states are known to be installed from then on.
    reflectio.loads(document)
    assert read_in_one_pass(document)
    # What is asked of the header later on, such as the ways to an object in it, has its text.
    shared = [1.5]
    document = reflectio.dumps([np.arange(1000.0), ["text"] * 10_000, *[shared] * 300])
    assert read_in_one_pass(document)
    load_both_ways(document)


def test_what_is_right_among_them_is_read_in_one_pass():
    for value in (
        b"0",
        b"-1.5",
        b"1E+5",
        b"1e-300",
        b"-0.0",
        b"18446744073709551615",
        b'"\\u00e9"',
        '"é"'.encode(),
        b'"\x7f"',
    ):
        assert read_in_one_pass(with_model(b"[%s]" % value)), value
    for value in (
        b"1e400",
        b"01",
        b"1.",
        b'"\\ud800"',
        b"NaN",
        b"18446744073709551616",
        b'"\xff"',
        b'"\t"',
        b"[}",
    ):
        assert not read_in_one_pass(with_model(b"[%s]" % value)), value


RICH = (
    b'{"a":[1,2.5,"x",null,true,"\\u00e9"],"b":{"$":"sklearn.preprocessing.StandardScaler","$id":1,"copy":true,"with_mean":false,'
    b'"with_std":true,"_sklearn_version":"VERSION"},"c":{"$":"ndarray","$id":2,"dtype":"float64","shape":[2,1],"order":"F","data":[[1],[-2.5]]},'
    b'"d":{"$":"ref","id":2},"e":{"$":"ref","id":1},"f":{"$":"tuple","items":[{},[]]},"g":{"$":"scalar","dtype":"int64","value":3},'
    b'"h":{"$":"ndarray","dtype":"bool","shape":[2],"strides":[-2],"data":[true,false]},"i":{"$":"set","items":[1]},'
    b'"k":{"$":"ndarray","dtype":{"$":"dtype","$id":3,"names":["p","q"],"formats":["int16","float32"],"offsets":[0,2],"itemsize":6},'
    b'"shape":[2],"data":[[1,2.5],[-3,"nan"]]},"l":{"$":"ndarray","dtype":{"$":"ref","id":3},"shape":[1],"data":[[4,5]]},'
    b'"j":{"$":"ndarray","dtype":"int32","shape":[1],"at":0}}'
)
SEGMENT = b"\x01\0\0\0"


def test_the_rich_text_is_right():
    document = with_model(RICH, SEGMENT)
    # Of records, the dtype has to be known.
    reflectio.loads(document)
    assert read_in_one_pass(document)
    assert load_both_ways(document) == ""


def test_records_that_are_not_as_their_dtype_says():
    record = b'{"$":"ndarray","dtype":%s,"shape":[%s],"data":[%s]}'
    described = (
        b'{"$":"dtype",%s"names":["a","b"],"formats":["int8","float64"],"offsets":[8,0],"itemsize":16}'
    )
    reflectio.loads(with_model(record % (described % b"", b"1", b"[1,2]")))
    # An id in another place, which is refused, whatever was read before.
    for odd in (b',"$id":8}', b',"$id":8.0}', b',"$id":"8"}'):
        document = with_model(b"[%s]" % (record % ((described % b"")[:-1] + odd, b"1", b"[1,2]")))
        for _ in range(3):
            load_both_ways(document)
            reflectio.loads(with_model(record % (described % b"", b"1", b"[1,2]")))
    right = spaced = 0
    for dtype in (
        described % b"",
        described % b'"$id":5,',
        b'{"$":"ref","id":4}',
        b'{"$":"ref","id":6}',
        b'{"$":"ref","id":9}',
    ):
        for shape, data in (
            (b"1", b"[1,2]"), (b"2", b"[1,2],[3,4]"), (b"1", b"[1,2],[3,4]"), (b"2", b"[1,2]"), (b"1", b"[1]"), (b"1", b"[1,2,3]"),
            (b"1", b"[]"), (b"0", b""), (b"1", b"1"), (b"1", b"[[1,2]]"), (b"1", b"[1,[2]]"), (b"1", b"[1.0,2]"), (b"1", b"[1,\"nan\"]"),
            (b"1,1", b"[[1,2]]"), (b"1", b"{}"), (b"", b"[1,2]"), (b"1000000000", b"[1,2]"), (b"1", b"[1,2]],[[1,2]"), (b"1", b"[1,null]"),
        ):  # fmt: skip
            text = record % (dtype, shape, data)
            for model in (
                b"[%s,%s,%s]"
                % (
                    described % b'"$id":4,',
                    b'{"$":"ndarray","$id":6,"dtype":"int8","shape":[1],"data":[1]}',
                    text,
                ),
                b"[%s,%s]" % (text, text.replace(b'"$id":5,', b"")),
                b'[%s,{"$":"ref","id":5}]' % text,
                b'[%s,{"$":"ref","id":5}]' % text.replace(b'"dtype":{', b'"$id":7,"dtype":{'),
                b'{"$":"tuple","items":[%s]}' % text,
            ):
                document = with_model(model)
                right += not load_both_ways(document)
                # As JSON, which has no digest.
                text_alone = re.sub(rb"([{}\[\],:])", rb" \n\1\t ", beginning() + model) + b"}"
                spaced += not load_both_ways(text_alone.strip())
    assert right == spaced > 20


def test_nothing_is_a_node_before_the_model():
    """Compiled code looked up the number of a record that was known in what had not been made yet."""
    described = (
        b'{"$":"dtype",%s"names":["a","b"],"formats":["int8","float64"],"offsets":[8,0],"itemsize":16}'
    )
    array = b'{"$":"ndarray","dtype":%s,"shape":[1],"data":[[1,2]]}'
    reflectio.loads(with_model(array % (described % b"")))
    for node in (
        described % b"",
        described % b'"$id":1,',
        array % (described % b'"$id":1,'),
        b'{"$":"column","of":"ndarray","array":%s}' % (array % (described % b'"$id":1,')),
        b'{"$":"ref","id":1}',
        b'{"$":"sklearn.tree._tree.Tree","nodes":%s}' % (array % (described % b'"$id":1,')),
    ):
        for versions in (node, b'{"python":%s}' % node, b'{"python":[%s,{"a":%s}]}' % (node, node)):
            text = b'{"reflectio":1,"versions":%s,"model":1' % versions
            for document in (put_together(text), text + b"}"):
                assert "versions" in load_both_ways(document)
                assert not read_in_one_pass(document)


def test_a_text_that_ends_anywhere():
    whole = beginning() + RICH.replace(b"VERSION", sklearn.__version__.encode())
    for end in range(len(whole)):
        for segment in (None, SEGMENT):
            document = put_together(whole[:end], segment)
            assert not read_in_one_pass(document)
            assert load_both_ways(document)
    document = with_model(RICH, SEGMENT)
    for end in range(len(document)):
        assert load_both_ways(document[:end])


@pytest.mark.parametrize(
    "blank", [b" ", b"\n", b"\t", b"\r", b" \n\t\r ", b"\x0b", b"\xef\xbb\xbf", b"\xc2\xa0", b"\x00", b","]
)
def test_something_between_tokens(blank):
    whole = beginning() + RICH.replace(b"VERSION", sklearn.__version__.encode())
    is_json = not blank.strip(b" \n\t\r")
    right = 0
    for place in range(len(whole) + 1):
        text = whole[:place] + blank + whole[place:]
        # Without a digest as well, which the JSON format does not have.
        for document in (
            put_together(text, SEGMENT),
            text.replace(b',"j":{"$":"ndarray","dtype":"int32","shape":[1],"at":0}', b"") + b"}",
        ):
            error = load_both_ways(document)
            right += not error
            assert error or is_json or read_in_one_pass(document) is False or whole[:place].count(b'"') % 2
    assert right > len(whole) // 3 or not is_json


def test_blanks_everywhere():
    text = re.sub(
        rb"([{}\[\],:])",
        rb" \n\1\t\r ",
        (beginning() + RICH).replace(b"VERSION", sklearn.__version__.encode()),
    )
    document = text.replace(b'"at" \n:\t\r 0', b'"data":[1]').strip() + b" }\n"
    assert read_in_one_pass(document)
    assert load_both_ways(document) == ""
    assert load_both_ways(document.replace(b" ", b"\x0b"))
    assert load_both_ways(document + b"x")
    # White space takes no more time than other text.
    long = beginning() + b"[" + b" " * 3_000_000 + b",".join([b"1"] * 1000) + b"\n" * 3_000_000 + b"]}"
    assert read_in_one_pass(long)


def test_members_twice_in_another_order_or_unknown():
    node = b'{"$":"ndarray","$id":7,"dtype":"float64","shape":[1],"order":"F","data":[1]}'
    members = [b'"' + member for member in node[2:-1].split(b',"')]
    for index, member in enumerate(members):
        for place in range(len(members) + 1):
            twice = [*members[:place], member, *members[place:]]
            assert not read_in_one_pass(with_model(b"[{" + b",".join(twice) + b"}]"))
            load_both_ways(with_model(b"[{" + b",".join(twice) + b"}]"))
            moved = [*members[:index], *members[index + 1 :]]
            moved.insert(place, member)
            load_both_ways(with_model(b"[{" + b",".join(moved) + b"}]"))
            unknown = [*members[:place], b'"unknown":1', *members[place:]]
            load_both_ways(with_model(b"[{" + b",".join(unknown) + b"}]"))
    for model in (
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"$":"set","items":[{"$":"dict","items":[],"items":[]}]}',
        b'{"$":"sklearn.preprocessing.StandardScaler","copy":true,"copy":true,"_sklearn_version":"VERSION"}',
        b'{"$":"sklearn.preprocessing.StandardScaler","copy":true,"\\u0063opy":true,"_sklearn_version":"VERSION"}',
        b'{"$":"sklearn.preprocessing.StandardScaler","copy":true,"_sklearn_version":"VERSION","_sklearn_version":"VERSION"}',
        b'{"$":"ref","id":1,"id":1}',
        b'{"$":"tuple","items":[],"items":[]}',
        b'{"$":"scalar","dtype":"float64","value":1.5,"value":1.5}',
    ):
        assert not read_in_one_pass(with_model(model)), model
        assert load_both_ways(with_model(model)), model
    for header in (
        beginning().replace(b'"versions":{', b'"versions":{"python":"3",'),
        beginning().replace(b'"reflectio":1,', b'"reflectio":1,"reflectio":1,', 1),
        beginning().replace(b'"reflectio":1,', b'"reflectio":2,', 1),
        beginning().replace(b'"model":', b'"metadata":1,"model":'),
        beginning().replace(b'"model":', b'"model":1,"model":'),
        beginning().replace(b'"model":', b'"segment":{"nbytes":0},"model":'),
        beginning().replace(b'"model":', b'"objects":[],"model":'),
        beginning().replace(b'"versions":{', b'"versions":{"unheard of":"1",'),
    ):
        assert header != beginning()
        assert not read_in_one_pass(put_together(header + b"[1]"))
        load_both_ways(put_together(header + b"[1]"))
    for behind in (
        b',"objects":[]',
        b',"objects":[{"$":"list","$id":1,"items":[]}]',
        b',"unknown":1',
        b"}",
        b',"model":2',
    ):
        assert not read_in_one_pass(with_model(b"[1]" + behind))
        load_both_ways(with_model(b"[1]" + behind))


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        (b"[", b"]"),
        (b'{"a":', b"}"),
        (b'{"$":"tuple","items":[', b"]}"),
        (b'{"$":"sklearn.preprocessing.StandardScaler","copy":', b',"_sklearn_version":"VERSION"}'),
        (b'{"$":"set","items":[', b"]}"),
        (b'{"$":"list","items":[', b"]}"),
        (b'[{"a":', b"}]"),
    ],
)
def test_nesting(opened, closed):
    levels = opened.count(b"[") + opened.count(b"{")
    for depth in (120, 125, 126, 127, 128, 250, 251, 252, 253, 254, 255, 256, 257, 1000):
        count = max(1, depth // levels)
        document = with_model(opened * count + b"1" + closed * count)
        # The header itself is a level.
        assert not (read_in_one_pass(document) and levels * count > 253)
        load_both_ways(document)
    load_both_ways(with_model(opened * 10_000))
    assert read_in_one_pass(with_model(b"[" * 253 + b"]" * 253))
    assert not read_in_one_pass(with_model(b"[" * 254 + b"]" * 254))


def array(dtype: str, shape: Any, data: Any, **others: Any) -> bytes:
    return orjson.dumps({"$": "ndarray", "dtype": dtype, "shape": shape, **others, "data": data})


def test_shapes_and_strides_that_lie():
    flat = [1, 0, 1, 1, 0, 1]
    for dtype in ("float64", "int8", "bool", "uint64", "float16", "object", "<U1"):
        some = [bool(x) for x in flat] if dtype == "bool" else flat
        nested = [some[:3], some[3:]]
        for shape in (
            *([n] for n in (0, 1, 5, 6, 7, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, -1)),
            *([2, 3], [3, 2], [6, 1], [1, 6], [2, 0], [0], [], [0, 6], [2, 3, 1], [2] * 8, [1] * 9, [1] * 33),
            *([2**32, 2**32], [2**40, 2**40], [0, 2**62], [2, 3.0], ["2", 3], [True, 6], None, 6, [[6]]),
        ):
            for data in (
                some,
                nested,
                [some],
                [[[x] for x in row] for row in nested],
                [],
                [[]],
                [[], []],
                some[0],
                None,
                {},
            ):
                load_both_ways(with_model(array(dtype, shape, data)))
                load_both_ways(with_model(array(dtype, shape, data, order="F")))
    for steps in (
        *(
            [n]
            for n in (0, 1, 7, 8, 9, 16, 64, 128, 137, 2**31, 2**62, 2**63, -8, -16, -1, -(2**62), -(2**63))
        ),
        *([8, 8], [], [8, 16, 24], [8.0], ["8"], None, 8),
    ):
        load_both_ways(with_model(array("float64", [6], flat, strides=steps)))
        load_both_ways(with_model(array("int8", [6], flat, strides=steps)))
    for steps in (
        [24, 8],
        [8, 16],
        [8, 24],
        [-24, 8],
        [24, -8],
        [-8, -16],
        [25, 8],
        [8, 8],
        [0, 8],
        [16, 8],
        [12, 4],
        [48, 16],
    ):
        for dtype in ("float64", "int32", "int8"):
            load_both_ways(with_model(array(dtype, [2, 3], [flat[:3], flat[3:]], strides=steps)))
    # What says that it has more elements than there is text takes no memory.
    tracemalloc.start()
    try:
        for shape in ([2**31], [2**20, 2**11], [10**9, 1]):
            assert not read_in_one_pass(with_model(array("float64", shape, [])))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_references_and_ids():
    shared = b'{"$":"ndarray","$id":%d,"dtype":"int8","shape":[1],"data":[1]}'
    ref, scaler = (
        b'{"$":"ref","id":%d}',
        b'{"$":"sklearn.preprocessing.StandardScaler","$id":%d,"copy":%s,"_sklearn_version":"VERSION"}',
    )
    for model in (
        b"[%s,%s]" % (shared % 1, ref % 1),
        b"[%s,%s]" % (ref % 1, shared % 1),
        b"[%s,%s]" % (shared % 1, shared % 1),
        b"[%s,%s,%s]" % (ref % 1, shared % 1, shared % 1),
        b"[%s,%s]" % (scaler % (1, b"true"), shared % 1),
        b"[%s,%s]" % (scaler % (1, ref % 1), ref % 1),
        b"[%s,%s]" % (ref % 1, scaler % (1, ref % 1)),
        b"[%s,%s]" % (scaler % (1, shared % 1), ref % 1),
        b"[%s,%s]" % (ref % 2, scaler % (1, shared % 2)),
        b"[%s,%s]" % (ref % 1, scaler % (1, shared % 2)),
        b"[%s,%s,%s]" % (ref % 2, scaler % (1, shared % 2), ref % 1),
        b'{"$":"tuple","$id":1,"items":[%s]}' % (ref % 1),
        b'{"$":"list","$id":1,"items":[%s]}' % (ref % 1),
        b'[{"$":"list","$id":1,"items":[%s]},%s]' % (shared % 1, ref % 1),
        ref % 1,
        b'[{"$":"dtype","$id":1,"value":"float64"},%s]' % (ref % 1),
        b'[{"$":"dtype","$id":1,"dtype":"float64"},%s]' % (ref % 1),
        b"[%s]" % b",".join([shared % 1, *[ref % 1] * 1000]),
        b"[%s]" % (shared % -1),
        b"[%s,%s]" % (shared % (2**62), ref % (2**62)),
        b"[%s,%s]" % (shared % (2**64 - 1), ref % (2**64 - 1)),
    ):
        load_both_ways(with_model(model))


# -- mutations -------------------------------------------------------------------------------------------------------


@functools.cache
def documents() -> list[bytes]:
    """Documents of the zoo, small ones above all, and of arrays in every form."""
    row = np.arange(24.0)
    parts: dict[str, Any] = {
        "strided": [
            row[::2],
            row[::-1],
            np.asfortranarray(row.reshape(4, 6)),
            row.reshape(2, 3, 4).transpose(1, 0, 2),
        ],
        "shared": [row, row, row.dtype, row.dtype],
        "kinds": [np.arange(5, dtype=kind) for kind in ("i1", "u1", "i4", "u4", "i8", "u8", "f4", "f2")]
        + [row > 5, np.zeros(3, "M8[s]")],
        "others": [
            (1, 2.5, ("x", None)),
            {1, 2},
            {1: 2},
            np.float64(1.5),
            np.int64(3),
            np.float32(2),
            2**70,
            b"x",
            float("nan"),
        ],
        "none": [np.zeros(0), np.zeros((0, 2)), [], {}, ()],
    }
    names = (
        "StandardScaler",
        "LinearRegression",
        "DecisionTreeClassifier",
        "KNeighborsClassifier",
        "SVC",
        "Pipeline",
        "Birch",
        "VotingClassifier",
        "RandomForestClassifier",
        "SplineTransformer",
    )
    made = [reflectio.dumps(parts), *(reflectio.dumps(fitted(name)) for name in names)]
    for document in made:
        reflectio.loads(document)
        assert read_in_one_pass(document)
    return made


@functools.cache
def texts() -> list[bytes]:
    """The same in JSON format."""
    made = [reflectio.dumps(reflectio.loads(document), format="json") for document in documents()]
    assert all(map(read_in_one_pass, made))
    return made


@pytest.mark.parametrize("part", range(4))
def test_mutated_texts(part):
    in_one_pass = 0
    for seed in range(part * MUTATIONS, (part + 1) * MUTATIONS):
        rng = random.Random(seed)
        document = rng.choice(documents())
        way = rng.random()
        if way < 0.5:
            body, segment = taken_apart(document)
            document = put_together(forged(rng, body), segment)
        elif way < 0.7:
            document = forged(rng, rng.choice(texts()))
        else:
            document = as_written(mutate(document, seed))
        try:
            in_one_pass += read_in_one_pass(document)
            load_both_ways(document)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
    # A fuzzer whose documents are all left looks at nothing.
    assert in_one_pass > MUTATIONS // 20


RECORD = b'{"$":"dtype","names":["a","b"],"formats":["<f8","<i4"],"offsets":[0,8],"itemsize":16}'


def test_record_dtypes_that_were_read_before():
    held = b'{"$":"set","items":[%s]}'
    written = reflectio.dumps([np.zeros(3, [("a", "f8"), ("b", "i4")])])
    reflectio.loads(written)
    body, _ = taken_apart(written)
    record = next(iter(re.findall(rb'\{"\$":"dtype","names":[^{}]*\}', body)), RECORD)
    for _ in range(3):
        for model in (
            *(record, b"[%s,%s]" % (record, record), held % record, b'{"$":"tuple","items":[%s]}' % record),
            b'{"$":"ndarray","dtype":%s,"shape":[1],"data":[[1.5,2]]}' % record,
            b'{"$":"dict","items":[[%s,1],[%s,2]]}' % (record, record),
            b'{"$":"dict","items":%s}' % record,
            b'{"$":"ndarray","dtype":"float64","shape":[1],"data":%s}' % record,
            b'{"$":"ndarray","dtype":"float64","shape":%s,"data":[1]}' % record,
            b'{"$":%s}' % record,
            b'{"$":"set","items":[%s],"$id":%s}' % (record, record),
            record[:-1] + b',"$id":1}',
            held % (record[:-1] + b',"$id":1}'),
            held % (record[:-1] + b',"names":["c","d"]}'),
        ):
            load_both_ways(with_model(model))
        for depth in range(240, 256):
            # The set and its items, and the record and its names, are levels.
            model = b"[" * depth + b'{"$":"set","items":[%s]}' % record + b"]" * depth
            load_both_ways(with_model(model))


def test_text_in_arrays():
    for dtype in (
        "<U1",
        "<U2",
        "<U16",
        "<U17",
        "<U0",
        "<U02",
        "<U",
        "U2",
        ">U2",
        "object",
        "=U2",
        "|U2",
        "<U-1",
        "<U1x",
    ):
        for data in (
            ["a"],
            ["ab"],
            ["a\0"],
            ["\0"],
            ["\0a"],
            [""],
            ["😀"],
            ["a" * 17],
            [1],
            [None],
            [["a"]],
            [],
            "a",
        ):
            for shape in ([1], [0], [2], [1, 1], [], [2**40]):
                load_both_ways(with_model(array(dtype, shape, data)))


def test_floats_by_name():
    for text in (
        "nan",
        "-nan",
        "inf",
        "-inf",
        "+inf",
        "NaN",
        "nan:0x7ff8000000000001",
        "infinity",
        "",
        "1.5",
        "-",
        "na",
    ):
        for value in (text, [text]):
            load_both_ways(with_model(orjson.dumps({"$": "float", "value": value})))
            for dtype in ("float64", "float32", "float16", "int64", "bool", "complex128"):
                load_both_ways(with_model(array(dtype, [1], [value])))
                load_both_ways(with_model(orjson.dumps({"$": "scalar", "dtype": dtype, "value": value})))
    for name in (
        "numpy.float64",
        "numpy.mean",
        "os.system",
        "builtins.int",
        "",
        "x",
        "numpy.ndarray",
        "sklearn.svm.SVC",
        None,
        1,
    ):
        for tag in ("class", "callable", "dtype"):
            load_both_ways(with_model(orjson.dumps({"$": tag, "name": name})))


# -- what was wrong once ---------------------------------------------------------------------------------------------


def test_documents_that_are_left_leave_nothing_behind():
    document = with_model(b"[" * 50 + b"01" + b"]" * 50)
    for _ in range(10):
        read_in_one_pass(document)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            assert not read_in_one_pass(document)
        gc.collect()
        # An exception that was raised again and again kept a traceback for each level, of each document.
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


def test_elements_at_odd_places():
    """C has no numbers there, which a sanitizer says: numpy writes them."""
    for dtype, steps in (
        ("float64", [9]),
        ("float64", [-12]),
        ("int32", [5]),
        ("uint64", [20]),
        ("float32", [6]),
        ("int64", [129]),
    ):
        odd = with_model(array(dtype, [2], [1, 2], strides=steps))
        load_both_ways(odd)
    loaded = reflectio.loads(with_model(array("float64", [2], [1.5, -2.0], strides=[9])))
    assert loaded.tolist() == [1.5, -2.0]
    assert loaded.strides == (9,)


def test_limits_may_be_any_integers():
    policy = reflectio.Policy.default()
    for limit in (2**62, 2**63, 2**64, 10**30):
        without = _with_limits(policy, Limits(nodes=limit, text_bytes=limit, document_bytes=limit))
        assert reflectio.loads(with_model(b"[1]"), policy=without) == [1]
    assert "values" in load_both_ways(with_model(b"[1,2,3,4]"), _with_limits(policy, Limits(nodes=2)))


def _with_limits(policy: Any, limits: Limits) -> Any:
    return attrs.evolve(policy, limits=limits)


def test_parts_of_arrays_whose_elements_have_no_bytes():
    empty = np.zeros((6, 2), [("text", "S0")])["text"]
    assert compiled.part("parts").copied_spans(empty, [(0, 3)]) is None


def test_a_list_that_loses_items_while_they_are_built():
    items: list[Any] = []

    def reader(node, decoder):
        del items[1:]
        return "built"

    decoder = api.Decoder(reflectio.Policy.default(), api.NOTHING, b"")
    readers, tag = decoder.readers, "shrinking"
    readers[tag] = reader
    try:
        items += [{"$": tag}, *([[]] * 1000)]
        assert decoder.build_items(items) == ["built"]
    finally:
        del readers[tag]


def test_the_parts_take_no_none():
    reader = next(
        reader
        for reader in reflectio.readers.readers_for(reflectio.Policy.default()).values()
        if type(reader).__name__ == "ArrayReader"
    )
    with pytest.raises(TypeError):
        reader({}, None)
    with pytest.raises(TypeError):
        reader(None, None)
    with pytest.raises(TypeError):
        compiled.part("parsing").build(None, *[None] * 5)


def test_the_deepest_document_in_a_small_thread():
    nested = (
        b'{"$":"sklearn.preprocessing.StandardScaler","copy":[' * 125
        + b"1"
        + b'],"_sklearn_version":"VERSION"}' * 125
    )
    found: list[str] = []
    size = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=lambda: found.append(load_both_ways(with_model(nested))))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert len(found) == 1


# -- out -------------------------------------------------------------------------------------------------------------


class Attributes(dict):
    """What some classes put in the place of the dict of their attributes."""


class Key(str):
    """A name that is no text of Python's own."""

    __slots__ = ()


def test_attributes_in_a_dict_of_another_class():
    scaler = fitted("StandardScaler")
    expected = reflectio.dumps([scaler])
    assert reflectio.dumps([scaler]) == expected
    other = copy.copy(scaler)
    other.__dict__ = Attributes(vars(scaler))
    assert reflectio.dumps([other]) == expected
    other = copy.copy(scaler)
    other.__dict__[Key("another")] = 1
    with pytest.raises(reflectio.UnsupportedTypeError):
        reflectio.dumps([other])


_DUMPS = """
import hashlib, pickle, sys, warnings
warnings.simplefilter("ignore")
import reflectio.api
assert reflectio.api._parsing is None
for objects in pickle.load(sys.stdin.buffer):
    for format in ("binary", "json"):
        try:
            print(hashlib.sha256(reflectio.dumps(pickle.loads(objects), format=format)).hexdigest())
        except reflectio.ReflectioError as error:
            print(type(error).__name__)
"""


def _digests(pickled: list[bytes]) -> Iterator[str]:
    for data in pickled:
        for format in ("binary", "json"):
            try:
                yield hashlib.sha256(reflectio.dumps(pickle.loads(data), format=format)).hexdigest()
            except reflectio.ReflectioError as error:
                yield type(error).__name__


@pytest.mark.parametrize("strategy", [values(), arrays()], ids=["values", "arrays"])
def test_what_is_written_is_what_python_writes(strategy):
    made: list[bytes] = []

    @settings(
        max_examples=150,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(obj):
        try:
            made.append(pickle.dumps(obj))
        except Exception:
            return

    collect()
    assert len(made) > 50
    environment = {
        **os.environ,
        "REFLECTIO_PURE": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
    }
    ran = subprocess.run(
        [sys.executable, "-c", _DUMPS],
        input=pickle.dumps(made),
        capture_output=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout.decode().split() == list(_digests(made))


@pytest.mark.parametrize(
    "model",
    [
        b'{"$":"ndarray","dtype":"float64","shape":[1],"data":[1.5]}',
        b'{"$":"ndarray","dtype":"float64","shape":[1,1,1],"data":[[[1.5]]]}',
        b'{"$":"ndarray","dtype":"float64","shape":[2],"strides":[16],"data":[1.5,2]}',
        b'{"$":"ndarray","dtype":"object","shape":[1],"data":["a"]}',
    ],
)
def test_the_lists_of_arrays_are_levels(model):
    # In one pass they were not counted: a document was accepted that nests deeper than others may.
    errors = [load_both_ways(with_model(b"[" * depth + model + b"]" * depth)) for depth in range(240, 256)]
    assert errors[0] == ""
    assert errors[-1].startswith("LimitError")


def test_objects_that_cannot_have_attributes_are_none_of_attributes_alone():
    # Their class has a `__dict__`, which was taken for theirs once attributes had been named, in vain, and an object was read.
    models = [b'{"$":"sklearn._loss._loss.CyHalfSquaredError"%s}' % member for member in (b',"value":1', b"")]
    for model in 2 * models:
        error = load_both_ways(with_model(model))
        assert error.startswith("ValidationError: $.model: CyHalfSquaredError has no") == (model is models[0])
