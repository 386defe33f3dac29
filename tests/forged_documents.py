"""Documents of objects, with one value replaced by another, and what loading them says."""

from __future__ import annotations

import json

import numpy as np
import pytest

import reflectio


def document_of(obj):
    """The document of an object as a dict, to be forged."""
    return json.loads(reflectio.dumps(obj, format="json"))


def load(document):
    return reflectio.loads(json.dumps(document))


def forged(obj, path, value):
    """The document of an object with another value at a path below the model."""
    document = document_of(obj)
    *steps, last = path
    node = document["model"]
    for step in steps:
        node = node[step]
    node[last] = value
    return document


def refused(obj, path, value):
    """The error that loading a forged document raises."""
    with pytest.raises((reflectio.ValidationError, reflectio.DocumentError)) as caught:
        load(forged(obj, path, value))
    return caught.value


def array_node(values, dtype="int32"):
    values = np.asarray(values)
    return {"$": "ndarray", "dtype": dtype, "shape": list(values.shape), "data": values.tolist()}
