"""
Pickle, joblib and skops files, read without being run.

==================  ==============================================================================================
`files`             which kind of file some bytes are
`source`            its bytes, decompressed within a limit
`machine`           follows the opcodes of a pickle, on a stack of records
`joblib_arrays`     the arrays that joblib keeps between the opcodes
`skops_files`       the schema of a skops file; `skops_archive` and `skops_loaders`: its archive, its nodes
`graph`             the records: what the file would import, call and set
`reviewed`, `homes` functions of known effect; the public names of what pickles name by private modules
`judge`             what of it a policy refuses
`nodes`             the nodes of the document that the object would have
`policy_names`      what names stand for, where the policy allows them
`makers`, `arrays`  what stands in for the reviewed functions: a maker for each; arrays from their parts
`rebuild`           that document, loaded with every check
==================  ==============================================================================================

Data flow one way, from the top to the bottom; an audit stops at `judge`. Why no unpickler is restricted instead, see
`reflectio.conversion`.
"""
