"""What Stepwell does at the start of each Python of a step, before its script.

It stands alone in a folder that is first on `PYTHONPATH`, and imports next to nothing: `python
script.py` stays what is run, so that `__main__`, tracebacks and pickles are the script's own.

- For the script of the step itself, which `STEPWELL_SCRIPT` names: the working directory comes last
  on `sys.path`, and `os`, `sys` and `json` are among its globals, as the launcher of Azure ML left
  them there.
- Python 3.6 knows neither postponed annotations nor `__getattr__` of modules, which the SDK uses:
  its modules are compiled without the former and get the latter by their class.
- numpy gets back the names of Python's own that it had until 1.24, such as `np.float`, when a program
  asks for one.
- pandas gets back `append`, `iteritems` and other methods and arguments that it had until 2.0 or 3.0
  (`old_pandas.py`).
- scikit-learn gets back `sklearn.externals.joblib` and `six`, which it had until 0.23, and by the SDK,
  where the step has it, the names and keywords of `stepwell/_old_sklearn.py`.
- An interpreter that is loaded ahead stops here until it is forked for a step (`zygote.py`).
- For a script that the supervisor does not know yet, the modules that are loaded at its end are named
  in the file `STEPWELL_IMPORTED`.
- Where `PYTHONDONTWRITEBYTECODE` is set, as images of containers have it, this file is kept in compiled
  form nevertheless, in Stepwell's own folder: to compile it takes a third of a bare interpreter's start.
- A `sitecustomize` of the environment itself is run as if this one were not there.
"""


def _prepare_script(script):
    import os
    import sys

    main = sys.modules.get("__main__")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    if main is None:
        return
    main.os, main.sys = os, sys
    try:
        with open(script, "rb") as file:
            named = b"json" in file.read()
    except OSError:
        named = False
    if named:  # the import costs a millisecond, which few scripts need to pay
        import json

        main.json = json


class _FindAged(object):
    """Finds numpy, pandas and scikit-learn as the others do, and gives them back what they had."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        import sys

        aged = {"numpy": _name_numpy, "pandas": _name_pandas, "sklearn": _name_sklearn}
        give_back = aged.get(name)
        if give_back is None:
            return None
        others = [finder for finder in sys.meta_path if finder is not cls]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        begin = getattr(getattr(spec, "loader", None), "exec_module", None)
        if begin is not None:

            def begin_and_name(module):
                begin(module)
                give_back(module)

            spec.loader.exec_module = begin_and_name
        return spec


def _name_numpy(numpy):
    """Answer for the names that are gone, which only numpy from 1.24 on is asked for."""
    # `np.float` was `float`, and so on; scripts for Azure ML log their values by them.
    had = ("bool", "complex", "float", "int", "object", "str")
    asked = vars(numpy).get("__getattr__")
    release = str(vars(numpy).get("__version__")).split(".")
    if asked is None or release[:1] == ["0"] or release[:2] < ["1", "24"]:
        return
    warned = set()

    def find(name):
        import builtins
        import os
        import sys

        # An interpreter that is loaded ahead has numpy before it has the step's variables.
        if name not in had or os.environ.get("STEPWELL_OLD_NUMPY_NAMES") == "0":
            return asked(name)
        if name not in warned:
            warned.add(name)
            words = "[stepwell] numpy {0} has no `np.{1}`: it is Python's `{1}`, as before 1.24\n"
            sys.stderr.write(words.format(".".join(release), name))
        return getattr(builtins, name)

    numpy.__getattr__ = find


def _name_pandas(pandas):
    if str(vars(pandas).get("__version__")).split(".")[0] not in ("0", "1"):
        _run_beside("old_pandas")["give_back"](pandas)


def _name_sklearn(sklearn):
    try:
        from stepwell._old_sklearn import give_back
    except ImportError:
        return  # a step without the SDK
    give_back(sklearn)


class _FindMoved(object):
    """Finds, where nobody else does, what scikit-learn once had within it: packages of their own."""

    MOVED = {"sklearn.externals.joblib": "joblib", "sklearn.externals.six": "six"}

    def __init__(self, package):
        self.package = package

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        package = cls.MOVED.get(name)
        if package is None:
            return None
        import os
        from importlib.machinery import ModuleSpec

        if os.environ.get("STEPWELL_OLD_SKLEARN_NAMES") == "0":
            return None
        return ModuleSpec(name, cls(package))

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        import importlib
        import sys

        name = module.__name__
        sys.modules[name] = importlib.import_module(self.package)
        words = "[stepwell] scikit-learn has no `{}`: it is the package `{}`, as before 0.23\n"
        sys.stderr.write(words.format(name, self.package))


def _teach_python_3_6():
    """Let Python 3.6 import the modules of the SDK."""
    import ast
    import importlib.machinery
    import sys

    class Strip(ast.NodeTransformer):
        def visit_arg(self, node):
            node.annotation = None
            return node

        def visit_FunctionDef(self, node):
            node.returns = None
            return self.generic_visit(node)

        visit_AsyncFunctionDef = visit_FunctionDef

        def visit_AnnAssign(self, node):
            self.generic_visit(node)
            # Named tuples live on annotations; what they are does not matter.
            node.annotation = ast.copy_location(ast.Str("object"), node)
            return node

        def visit_ImportFrom(self, node):
            if node.module == "__future__":
                node.names = [each for each in node.names if each.name != "annotations"]
            return node if node.names else ast.copy_location(ast.Pass(), node)

    class Loader(importlib.machinery.SourceFileLoader):
        def source_to_code(self, data, path, *, _optimize=-1):
            tree = ast.fix_missing_locations(Strip().visit(ast.parse(data, path)))
            return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

        def exec_module(self, module):
            super().exec_module(module)
            missing = vars(module).get("__getattr__")
            if missing is not None:  # a module's own, which Python 3.6 does not ask
                kind = type(module)
                asks = {"__getattr__": lambda self, name: missing(name)}
                module.__class__ = type(kind.__name__, (kind,), asks)

        def get_code(self, name):
            # Past the cache, whose files other versions of this rule may have written.
            path = self.get_filename(name)
            return self.source_to_code(self.get_data(path), path)

    class Finder(object):
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] not in ("azureml", "azureml_user", "stepwell"):
                return None
            spec = importlib.machinery.PathFinder.find_spec(name, path, target)
            if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
                spec.loader = Loader(spec.loader.name, spec.loader.path)
            return spec

    sys.meta_path.insert(0, Finder)


def _run_other():
    """Run the `sitecustomize` that this one hides, if there is one."""
    import sys

    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            spec = finder.find_spec("sitecustomize")
            if spec is not None and spec.loader is not None:
                code = spec.loader.get_code("sitecustomize")
                exec(code, {"__name__": "sitecustomize", "__file__": spec.origin})
            return


def _report_imports(path):
    """At the end, name the modules that are loaded: the next interpreter may load them ahead."""
    import atexit
    import os
    import sys

    process = os.getpid()

    def report():
        if os.getpid() != process:
            return
        names = [name for name in list(sys.modules) if "._" not in name and name[:1] != "_"]
        try:
            with open(path, "w") as file:
                file.write("\n".join(names))
        except (OSError, UnicodeError):
            pass  # they are read from the script's text, as before

    atexit.register(report)


def _run_beside(name):
    """What a module that lies beside this one has; it is no module of the script."""
    import os

    place = os.path.join(os.path.dirname(__file__), name + ".py")
    with open(place, "rb") as file:
        code = compile(file.read(), place, "exec")
    names = {"__name__": "stepwell_" + name, "__file__": place}
    exec(code, names)
    return names


def _keep_compiled():
    import os
    import sys

    if not sys.dont_write_bytecode or getattr(sys, "pycache_prefix", None) is not None:
        return
    if os.path.exists(__spec__.cached or ""):
        return
    sys.dont_write_bytecode = False
    try:
        __spec__.loader.get_code(__spec__.name)
    except Exception:
        pass  # then it is compiled again at the next start
    finally:
        sys.dont_write_bytecode = True


def _begin():
    import os
    import sys

    _keep_compiled()
    # Nothing else is here to be found.
    own = os.path.dirname(__file__)
    sys.path[:] = [folder for folder in sys.path if folder != own]
    sys.meta_path.insert(0, _FindAged)
    sys.meta_path.append(_FindMoved)
    if "STEPWELL_ZYGOTE" in os.environ:
        # It returns in a fork, as the Python of a step, or of none.
        if not _run_beside("zygote")["serve"]():
            return
    script = os.environ.pop("STEPWELL_SCRIPT", None)
    report = os.environ.pop("STEPWELL_IMPORTED", None)
    if report is not None:
        _report_imports(report)
    if sys.version_info < (3, 7):
        _teach_python_3_6()
    if script is not None:
        _prepare_script(script)
    _run_other()


_begin()
