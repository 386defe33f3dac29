"""
Abuse attempts, kept: each module lists attacks of one kind as data, `catalogue` collects them.

`run` loads them in a process that is watched; `replay` gives those that other libraries can be given to pickle,
joblib, skops and PyMilo.
"""
