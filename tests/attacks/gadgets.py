"""
Functions that exploits of pickle call, with harmless arguments that still show that they were called.

The lists are those of fickling, picklescan and ModelScan, of the advisories against them, and of joblib, skops and
PyMilo. ``{marker}`` stands for the path of a file whose existence tells.
"""

from __future__ import annotations

from typing import NamedTuple


class Gadget(NamedTuple):
    """A function, how an exploit would call it, and what it would gain."""

    name: str
    args: tuple[object, ...]
    gain: str


_WRITE = "open({marker!r}, 'w').close()"
_TOUCH = "touch {marker}"

COMMANDS = [
    Gadget("os.system", (_TOUCH,), "run a shell command"),
    Gadget("posix.system", (_TOUCH,), "run a shell command under the name of the compiled module"),
    Gadget("os.popen", (_TOUCH,), "run a shell command"),
    Gadget("os.execv", ("/bin/touch", ["touch", "{marker}"]), "replace the process"),
    Gadget("os.spawnv", (0, "/bin/touch", ["touch", "{marker}"]), "start a process"),
    Gadget("os.posix_spawn", ("/bin/touch", ["touch", "{marker}"], {}), "start a process"),
    Gadget("subprocess.Popen", (["touch", "{marker}"],), "start a process"),
    Gadget("subprocess.run", (["touch", "{marker}"],), "start a process"),
    Gadget("subprocess.call", (["touch", "{marker}"],), "start a process"),
    Gadget("subprocess.check_output", (["touch", "{marker}"],), "start a process"),
    Gadget("subprocess.getoutput", (_TOUCH,), "run a shell command"),
    Gadget("pty.spawn", (["touch", "{marker}"],), "start a process on a terminal of its own"),
    Gadget("asyncio.subprocess.create_subprocess_shell", (_TOUCH,), "start a process"),
    Gadget(
        "multiprocessing.util.spawnv_passfds", ("/bin/touch", ["touch", "{marker}"], []), "start a process"
    ),
    Gadget("webbrowser.open", ("file://{marker}",), "start a browser"),
    Gadget("pydoc.pipepager", ("", _TOUCH), "run a shell command through the pager"),
    Gadget("pip.main", (["--version"],), "install a package"),
    Gadget("ensurepip.bootstrap", (), "install a package"),
    Gadget("venv.create", ("{marker}",), "write an environment and run its python"),
    Gadget("pdb.run", (_WRITE,), "run Python code in the debugger"),
    Gadget("distutils.spawn.spawn", (["touch", "{marker}"],), "start a process"),
    Gadget("numpy.testing._private.utils.runstring", (_WRITE, {}), "run Python code"),
    Gadget("numpy.testing.rundocs", ("{marker}",), "run the examples of a file"),
    Gadget("numpy.f2py.compile", ("",), "start a compiler"),
    Gadget("numpy.f2py.diagnose.run_command", (_TOUCH,), "run a shell command"),
    Gadget("numpy.f2py.crackfortran.myeval", (_WRITE,), "evaluate Python code"),
    Gadget("numpy.f2py.capi_maps.getinit", ({}, {}), "evaluate Python code"),
    Gadget("numpy.distutils.exec_command.exec_command", (_TOUCH,), "run a shell command"),
    Gadget("torch.utils.collect_env.run", (_TOUCH,), "run a shell command"),
]

CODE = [
    Gadget("builtins.eval", (_WRITE,), "evaluate Python code"),
    Gadget("builtins.exec", (_WRITE,), "run Python code"),
    Gadget("__builtin__.eval", (_WRITE,), "evaluate Python code under the name of Python 2"),
    Gadget("builtins.compile", (_WRITE, "x", "exec"), "compile Python code"),
    Gadget("builtins.__import__", ("reflectio_tripwire",), "import a module, which runs it"),
    Gadget("importlib.import_module", ("reflectio_tripwire",), "import a module, which runs it"),
    Gadget("importlib.reload", ("os",), "run a module again"),
    Gadget("runpy.run_module", ("reflectio_tripwire",), "run a module"),
    Gadget("runpy.run_path", ("{tripwire}",), "run a file"),
    Gadget("runpy._run_code", (_WRITE, {}), "run Python code"),
    Gadget("code.InteractiveInterpreter", (), "get an interpreter"),
    Gadget("code.interact", (), "get an interpreter"),
    Gadget("timeit.timeit", ("pass", _WRITE), "run Python code to time it"),
    Gadget("cProfile.run", (_WRITE,), "run Python code to profile it"),
    Gadget("profile.run", (_WRITE,), "run Python code to profile it"),
    Gadget("trace.Trace", (), "run Python code to trace it"),
    Gadget("bdb.Bdb", (), "run Python code in a debugger"),
    Gadget("doctest.debug_script", (_WRITE,), "run Python code in a debugger"),
    Gadget("idlelib.run.Executive", (), "run Python code"),
    Gadget("lib2to3.pgen2.grammar.Grammar.loads", (b"",), "unpickle bytes"),
    Gadget("types.FunctionType", (), "make a function from code"),
    Gadget("types.CodeType", (), "make code"),
    Gadget("marshal.loads", (b"N",), "make code"),
    Gadget("ctypes.CDLL", ("libc.so.6",), "load a compiled library"),
    Gadget("ctypes.string_at", (0,), "read any address"),
    Gadget("_ctypes.dlopen", ("libc.so.6", 1), "load a compiled library"),
    Gadget("cffi.FFI", (), "call compiled code"),
    Gadget("sys.settrace", (None,), "be called for every line that runs"),
    Gadget("sys.setprofile", (None,), "be called for every call"),
    Gadget("sys.addaudithook", (len,), "watch the process"),
    Gadget("threading.Thread", (), "start a thread"),
    Gadget("atexit.register", (len,), "be called at the end"),
    Gadget("signal.signal", (10, None), "be called on a signal"),
    Gadget("gc.get_objects", (), "reach every object"),
    Gadget("inspect.getattr_static", ("x", "join"), "reach attributes"),
    Gadget("collections.namedtuple", ("T", ["a"]), "make a class from source text"),
    Gadget("dataclasses.make_dataclass", ("T", ["a"]), "make a class from source text"),
    Gadget("typing.get_type_hints", (len,), "evaluate annotations"),
    Gadget("logging.config.dictConfig", ({"version": 1},), "call what a configuration names"),
    Gadget("logging.config.listen", (0,), "evaluate what a socket sends"),
    Gadget("pydoc.locate", ("reflectio_tripwire",), "import a module, which runs it"),
    Gadget("pkgutil.resolve_name", ("reflectio_tripwire",), "import a module, which runs it"),
    Gadget("test.support.script_helper.assert_python_ok", ("-c", _WRITE), "start Python"),
    Gadget("pandas.eval", ("1",), "evaluate an expression"),
    Gadget("pandas.core.computation.eval.eval", ("1",), "evaluate an expression"),
    Gadget("sympy.sympify", ("1",), "evaluate an expression"),
    Gadget("numexpr.evaluate", ("1",), "evaluate an expression"),
]

INDIRECT = [
    Gadget("builtins.getattr", ("x", "join"), "walk attributes to any function"),
    Gadget("builtins.setattr", ("x", "join", None), "replace an attribute"),
    Gadget("builtins.map", (len, ["a"]), "call a function"),
    Gadget("builtins.filter", (len, ["a"]), "call a function"),
    Gadget("functools.reduce", (max, [1, 2]), "call a function"),
    Gadget("functools.partial", (len,), "call a function later"),
    Gadget("operator.attrgetter", ("system",), "walk attributes (skops CVE-2025-54413)"),
    Gadget("operator.methodcaller", ("system", _TOUCH), "call a method (skops CVE-2025-54412)"),
    Gadget("operator.call", (len, "a"), "call a function"),
    Gadget("_operator.attrgetter", ("system",), "walk attributes under the name of the compiled module"),
    Gadget("itertools.starmap", (len, [("a",)]), "call a function"),
    Gadget("types.SimpleNamespace.__init__", (), "call what a class defines"),
    Gadget("copyreg._reconstructor", (object, object, None), "make an object of any class"),
    Gadget("concurrent.futures.process._process_worker", (), "call a function in a process"),
    Gadget("unittest.mock._importer", ("reflectio_tripwire",), "import a module"),
    Gadget("numpy.vectorize", (len,), "call a function for every element"),
    Gadget("numpy.frompyfunc", (len, 1, 1), "call a function for every element"),
    Gadget("numpy.apply_along_axis", (len, 0, [[1]]), "call a function for every row"),
    Gadget("numpy.fromfunction", (len, (1,)), "call a function"),
    Gadget("numpy.core._methods._mean", ([1.0],), "call an internal of numpy by its old name"),
    Gadget("joblib.Parallel", (), "call functions in processes"),
    Gadget("joblib.delayed", (len,), "call a function"),
    Gadget("sklearn.utils.parallel._FuncWrapper", (len,), "call a function"),
    Gadget("sklearn.utils._bunch.Bunch", (), "use a class by its private name"),
    Gadget("scipy.optimize.minimize", (len, [1.0]), "call a function"),
    Gadget("scipy.LowLevelCallable", (), "hand a pointer to compiled code"),
    Gadget("scipy.integrate.quad", (len, 0, 1), "call a function"),
]

FILES = [
    Gadget("builtins.open", ("{marker}", "w"), "write a file"),
    Gadget("io.open", ("{marker}", "w"), "write a file"),
    Gadget("_io.FileIO", ("{marker}", "w"), "write a file"),
    Gadget("codecs.open", ("{marker}", "w"), "write a file"),
    Gadget("os.open", ("{marker}", 65), "write a file"),
    Gadget("os.remove", ("{marker}.gone",), "delete a file"),
    Gadget("os.rename", ("{marker}.a", "{marker}.b"), "rename a file"),
    Gadget("os.listdir", ("/",), "list a folder"),
    Gadget("os.putenv", ("REFLECTIO_X", "1"), "change the environment"),
    Gadget("os.environ.get", ("HOME",), "read the environment"),
    Gadget("shutil.rmtree", ("{marker}.gone",), "delete a folder"),
    Gadget("shutil.copyfile", ("/etc/hostname", "{marker}"), "copy a file"),
    Gadget("shutil.move", ("{marker}.a", "{marker}.b"), "move a file"),
    Gadget("tempfile.mkstemp", (), "write a file"),
    Gadget("tempfile.NamedTemporaryFile", (), "write a file"),
    Gadget("pathlib.Path.write_text", (), "write a file"),
    Gadget("linecache.getlines", ("/etc/hostname",), "read a file"),
    Gadget("fileinput.input", ("/etc/hostname",), "read a file"),
    Gadget("zipfile.ZipFile", ("{marker}", "w"), "write a file"),
    Gadget("tarfile.open", ("{marker}", "w"), "write a file"),
    Gadget("zipimport.zipimporter", ("{marker}",), "import from an archive"),
    Gadget("sqlite3.connect", ("{marker}",), "write a file"),
    Gadget("shelve.open", ("{marker}",), "unpickle a file"),
    Gadget("pickle.loads", (b"N.",), "unpickle bytes"),
    Gadget("_pickle.load", (), "unpickle a file"),
    Gadget("dill.loads", (b"N.",), "unpickle bytes"),
    Gadget("cloudpickle.loads", (b"N.",), "unpickle bytes"),
    Gadget("joblib.load", ("{marker}",), "unpickle a file"),
    Gadget("joblib.numpy_pickle.load", ("{marker}",), "unpickle a file"),
    Gadget("joblib.Memory", ("{marker}",), "write a cache of pickles"),
    Gadget("numpy.load", ("{marker}",), "read, and unpickle, a file"),
    Gadget("numpy.save", ("{marker}", [1]), "write a file"),
    Gadget("numpy.savetxt", ("{marker}", [1]), "write a file"),
    Gadget("numpy.fromfile", ("/etc/hostname",), "read a file"),
    Gadget("numpy.memmap", ("{marker}",), "write a file"),
    Gadget("numpy.genfromtxt", ("/etc/hostname",), "read a file"),
    Gadget("numpy.ctypeslib.load_library", ("libc", "/"), "load a compiled library"),
    Gadget("numpy.lib.npyio.NpzFile", (), "read a file under the private name of its class"),
    Gadget("pandas.read_pickle", ("{marker}",), "unpickle a file"),
    Gadget("pandas.read_csv", ("/etc/hostname",), "read a file, or fetch an address"),
    Gadget("pandas.io.pickle.read_pickle", ("{marker}",), "unpickle a file"),
    Gadget("pandas.DataFrame.to_csv", (), "write a file"),
    Gadget("scipy.io.loadmat", ("{marker}",), "read a file"),
    Gadget("sklearn.datasets.load_files", ("/",), "read files"),
    Gadget("sklearn.datasets.fetch_openml", ("iris",), "fetch data"),
    Gadget("sklearn.utils._joblib.load", ("{marker}",), "unpickle a file"),
    Gadget("torch.load", ("{marker}",), "unpickle a file"),
    Gadget("skops.io.load", ("{marker}",), "read a model"),
]

NETWORK = [
    Gadget("urllib.request.urlopen", ("file:///etc/hostname",), "fetch an address"),
    Gadget("urllib.request.urlretrieve", ("file:///etc/hostname",), "fetch an address into a file"),
    Gadget("http.client.HTTPConnection", ("localhost",), "connect"),
    Gadget("socket.socket", (), "connect"),
    Gadget("socket.create_connection", (("localhost", 9),), "connect"),
    Gadget("ssl.get_server_certificate", (("localhost", 9),), "connect"),
    Gadget("smtplib.SMTP", ("localhost",), "connect"),
    Gadget("ftplib.FTP", ("localhost",), "connect"),
    Gadget("requests.get", ("http://localhost:9",), "fetch an address"),
    Gadget("xmlrpc.client.ServerProxy", ("http://localhost:9",), "call another machine"),
    Gadget("asyncio.open_connection", ("localhost", 9), "connect"),
]

GADGETS = [*COMMANDS, *CODE, *INDIRECT, *FILES, *NETWORK]
