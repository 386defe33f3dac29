"""What numpy's functions make in a pickle: arrays, scalars, dtypes and universal functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reflectio.errors import DocumentError, UnsupportedTypeError, ValidationError
from reflectio.pickles import joblib_arrays
from reflectio.pickles import reviewed as known
from reflectio.pickles.arrays import array_of, check_order, check_shape, dtype_of, object_array, scalar_of
from reflectio.pickles.graph import UNSET, Call, Global
from reflectio.pickles.makers.arguments import texts

if TYPE_CHECKING:
    from reflectio.pickles.makers import Maker, Makers

__all__ = ["MAKERS"]


def _array(call: Call, makers: Makers) -> Any:
    state = call.state
    if type(state) is not tuple or len(state) != 5:
        raise DocumentError("the state of an array is not what numpy writes")
    _, shape, dtype, fortran, data = state
    array = _elements(dtype, check_shape(shape), "F" if fortran else "C", data, makers)
    return _as_subclass(call.args[0] if call.args else None, array, makers)


def _elements(dtype: Any, shape: tuple[int, ...], order: Any, data: Any, makers: Makers) -> Any:
    described = dtype_of(dtype, makers.graph)
    if described.hasobject:
        if described != np.dtype(object):
            raise UnsupportedTypeError("an array of records that hold objects; no document has one")
        return object_array(data, shape, order)
    return array_of(makers.real(data), described, shape, order, writeable=True)


def _as_subclass(named: Any, array: Any, makers: Makers) -> Any:
    if type(named) is not Global or named.text in (
        "numpy.ndarray",
        "numpy.memmap",
        "numpy.core.memmap.memmap",
    ):
        return array
    name, cls = makers.resolve("class", named)
    if cls is not np.matrix and cls is not np.recarray:
        raise UnsupportedTypeError(f"an array of the class {name}, which conversion does not know")
    return array.view(cls)


def _array_of_buffer(call: Call, makers: Makers) -> Any:
    data, dtype, shape, order, *axes = call.args
    data = makers.real(data)
    # A buffer that was read-only when it was written gives an array that is.
    writeable = type(data) is bytearray
    if order == "K" and axes and axes[0] is not None:
        array = array_of(data, dtype_of(dtype, makers.graph), check_shape(shape), "C", writeable=writeable)
        return array.transpose(check_shape(axes[0]))
    return array_of(
        data, dtype_of(dtype, makers.graph), check_shape(shape), check_order(order), writeable=writeable
    )


def _scalar(call: Call, makers: Makers) -> Any:
    dtype, data = call.args
    return scalar_of(dtype_of(dtype, makers.graph), makers.real(data))


def _masked_array(call: Call, makers: Makers) -> Any:
    _, shape, dtype, fortran, data, mask, fill_value = call.state
    cls = call.args[0] if call.args else None
    if type(cls) is not Global or cls.name != "MaskedArray":
        raise UnsupportedTypeError("a masked array of a class of its own, which conversion does not know")
    lengths, order = check_shape(shape), check_order("F" if fortran else "C")
    elements = _elements(dtype, lengths, order, data, makers)
    flags = array_of(makers.real(mask), np.ma.make_mask_descr(elements.dtype), lengths, order, writeable=True)
    if flags.dtype == bool and flags.view(np.uint8).max(initial=0) > 1:
        raise ValidationError("the mask of a masked array has bytes that are neither 0 nor 1")
    array: Any = np.ma.MaskedArray(elements, mask=flags)
    # None gives it the one of its dtype, as it does where pickle restores it.
    array.fill_value = makers.real(fill_value)
    return array


def _joblib_array(call: Call, makers: Makers) -> Any:
    if call.payload is UNSET:
        raise DocumentError("the description of a joblib array without the array")
    array = makers.real(call.payload) if type(call.payload) is Call else call.payload
    if not isinstance(array, np.ndarray):
        raise DocumentError("where joblib keeps an array is something else")
    return _as_subclass(joblib_arrays.subclass_of(call), array, makers)


def _dtype(call: Call, makers: Makers) -> Any:
    return dtype_of(call, makers.graph)


def _ufunc(call: Call, makers: Makers) -> Global:
    module, name = texts(call.args, 2)
    return Global(module, name, call.offset)


MAKERS: dict[str, Maker] = {
    **dict.fromkeys(known.RECONSTRUCT, _array),
    **dict.fromkeys(known.FROM_BUFFER, _array_of_buffer),
    **dict.fromkeys(known.SCALAR, _scalar),
    **dict.fromkeys(known.MASKED, _masked_array),
    **dict.fromkeys(known.DTYPE, _dtype),
    **dict.fromkeys(known.UFUNC, _ufunc),
    **dict.fromkeys(known.WRAPPER, _joblib_array),
}
