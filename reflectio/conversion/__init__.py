"""
Converting models between files of any format: documents of reflectio, and pickle, joblib and skops files.

How a file of a stranger is converted
-------------------------------------
A pickle is a program, so that no restriction of Python's unpickler is safe by itself: what `find_class` returns is
called by compiled code with arguments of the file, states are given to ``__setstate__`` of classes that trust them,
and numpy's and scikit-learn's own reconstruction functions take shapes, dtypes and pointers from the file. A
restricted unpickler therefore runs the code of allowed classes on hostile states before anything could be checked.

Here no unpickler runs. `reflectio.pickles.machine` follows the opcodes on a stack of records; `reflectio.pickles.judge`
refuses the file if any name in it is outside the policy for what the file does with it, or if a name cannot be told;
`reflectio.pickles.nodes` writes down, as a document, the object that the file describes, replacing the few reviewed
reconstruction functions by its own code; and that document is loaded like one from a stranger, with every check of
`reflectio.loads`. skops files go the same way, from their schema, without skops.

So what is promised of `reflectio.loads` is promised of conversion: nothing of the file runs, nothing is imported that
the policy does not allow, states are validated, and costs are limited by the policy. What is not promised is that
every pickle can be converted: types with a way of their own of being pickled, such as those of pandas, are refused
with a message; ``unsafe=True`` unpickles them, and runs whatever the file says.

What pickle, joblib or skops lose themselves (memory that arrays share, the identity of arrays in joblib files) a
converted model has lost, too; it equals what the library that wrote the file would have loaded.
"""

from __future__ import annotations

from reflectio.conversion.files import Conversion, convert
from reflectio.conversion.folders import Outcome, convert_folder, plan_folder

__all__ = ["Conversion", "Outcome", "convert", "convert_folder", "plan_folder"]
