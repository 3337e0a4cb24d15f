"""The loaded interpreter from which warm steps are forked; docs/warm.md describes it.

Stepwell's `sitecustomize` runs `serve` when `STEPWELL_ZYGOTE` names the descriptor of a supervisor,
before Python looks at its main script. `serve` loads modules and forks; in a fork it returns when
the supervisor has given it a step, and Python goes on to start that step's script by itself. So
everything after the fork is what a cold start does: `__main__`, `sys.path[0]`, the end of the
program, and no frame of this file below the script's.

The one thing that Python has read before is the name of the script, so it is started with a
placeholder of the greatest length, which the fork overwrites where Python keeps it.

It is plain Python 3.5, and what cannot be done in an interpreter is answered with a reason in
words: the supervisor then starts the step cold. A fork is taken once: it is in a session of its
own, and runs nothing of the step's before it has said that it is ready and was answered.
"""

import gc
import os
import sys

# What most scripts and the SDK use, as far as it is quick to fork and to end with. Nothing here
# keeps an identity, a start time or a secret that two steps must not share, but what `_refresh`
# makes anew.
USUAL = (
    "argparse",
    "collections",
    "contextlib",
    "copy",
    "datetime",
    "functools",
    "json",
    "logging",
    "pathlib",
    "random",
    "re",
    "shutil",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
)
# Threads that a fork does without: jemalloc's only gives memory back early, and its child after a
# fork goes on with that switched off.
REPLACEABLE = ("jemalloc_bg_thd",)
PR_SET_PDEATHSIG, PR_SET_MM, PR_SET_MM_MAP, SIGKILL = 1, 35, 14, 9
MARKER, ZYGOTE = "STEPWELL_ATTEMPT", "STEPWELL_ZYGOTE"


class Refused(Exception):
    """Why no step, or not this one, can be forked here, as a fragment of a sentence."""


class Changed(Exception):
    """Why no step can be forked here any more."""


def serve():
    """Load and fork; return true in a fork that has become a step, and false in a rehearsal."""
    before = set(sys.modules)
    channel = int(os.environ[ZYGOTE].partition(":")[0])
    try:
        order = _receive(channel)
        if order is None:
            os._exit(0)
        loaded = _Loaded(channel, before, order)
    except Refused as refused:
        _answer(channel, {"refused": str(refused)})
        os._exit(0)
    except Exception as failed:
        _answer(channel, {"refused": "the interpreter could not be loaded: {!r}".format(failed)})
        os._exit(0)
    if not loaded.pages.rehearse(loaded.rehearse):
        return False
    _answer(channel, {"loaded": loaded.imported})
    while True:
        taken, take = os.pipe()
        if loaded.process.fork_for_the_supervisor(loaded.pages.bring):
            os.close(taken)
            loaded.become_a_step(take)
            return True
        os.close(take)
        if not os.read(taken, 1):  # nobody will ask any more
            os._exit(0)
        os.close(taken)


class _Loaded(object):
    """An interpreter with modules, and what must be known of it to fork a step."""

    def __init__(self, channel, before, order):
        if sys.implementation.name != "cpython":
            raise Refused("it runs in {}".format(sys.implementation.name))
        if sys.version_info < (3, 7):  # earlier ones know their arguments only later
            raise Refused("Python before 3.7 cannot be loaded ahead")
        self.channel = channel
        self.supervisor = order["supervisor"]
        self.process = _Process()
        self.script = _Script()
        quick = _part("quick.py")
        self.end = quick["End"](self.process)
        self.pages = quick["Pages"](self.process, self.end)
        self.imported = _load(USUAL, order["imports"])
        loaded = set(sys.modules) - before
        self.names = set(name.partition(".")[0] for name in loaded)
        self.names -= set(name.partition(".")[0] for name in before)
        self.stamps = [(path, _stamp(path)) for path in _read_files()]
        _forkable(channel)
        self.process.title([sys.executable, "stepwell-zygote"])
        self.process.know_libraries()
        self.end.know()
        gc.collect()
        gc.freeze()  # a collection in a fork copies no page of what is loaded

    def become_a_step(self, take):
        """Return as a step that was released, or end; `take` is for the zygote, to fork anew.

        Nothing may be raised from here: Python would go on, and begin what nobody has released.
        """
        try:
            order = _receive(self.channel)
            released = order is not None and self._is_released(order, take)
        except BaseException:
            os._exit(1)
        if not released:
            os._exit(0)
        # Only now the next fork may read from the channel.
        os.close(self.channel)
        _allow_next_fork(take)
        os.close(take)

    def _is_released(self, order, take):
        try:
            self._prepare(order, self.supervisor, order.get("beside", [order["argv"][1]]))
            _refresh()
        except Refused as refused:
            _answer(self.channel, {"refused": str(refused)})
            _allow_next_fork(take)
            return False
        except Changed as changed:
            _answer(self.channel, {"changed": str(changed)})
            return False
        except BaseException as failed:
            _answer(self.channel, {"changed": "it could not be forked: {!r}".format(failed)})
            return False
        _answer(self.channel, {"pid": os.getpid()})
        return os.read(self.channel, 1) == b"1"

    def rehearse(self):
        """Do what comes before the script of a step, for one that is empty."""
        order = {
            "argv": [sys.executable, os.devnull],
            "work_dir": "/",
            "log": os.devnull,
            "variables": {MARKER: "-", "AZUREML_RUN_ID": "-", "STEPWELL_SCRIPT": os.devnull},
        }
        order = _decoded(_encoded(order)[8:])
        self._prepare(order, os.getppid(), ["/-/-"])  # in a folder that is not there
        del os.environ["AZUREML_RUN_ID"], os.environ["STEPWELL_SCRIPT"]
        _refresh()

    def _prepare(self, order, supervisor, scripts):
        os.setsid()
        self.process.die_with(supervisor)
        os.chdir(order["work_dir"])
        argv = [os.fsdecode(each.encode("utf-8")) for each in order["argv"]]
        self._check(scripts)
        self.script.set(argv[1])
        sys.argv[:] = argv[1:]
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[:] = argv
        for name, value in order["variables"].items():
            os.environb[name.encode("utf-8")] = value.encode("utf-8")
        self.end.is_of_step()
        self.process.mark(os.environb[MARKER.encode("ascii")])
        self.process.title(argv)
        for stream, path in ((1, order["log"]), (2, order.get("errors"))):
            if path is not None:
                log = os.open(path, os.O_WRONLY | os.O_APPEND)
                os.dup2(log, stream)
                os.close(log)
        if "errors" not in order:
            os.dup2(1, 2)

    def _check(self, scripts):
        for path, stamp in self.stamps:
            if _stamp(path) != stamp:
                raise Changed("`{}` has changed since it was loaded".format(path))
        for script in scripts:
            self._check_beside(script)

    def _check_beside(self, script):
        folder = os.path.dirname(os.path.realpath(script))
        try:
            entries = os.listdir(folder)
        except OSError:
            return  # there is no script, as Python will say
        for entry in entries:
            name, _, end = entry.partition(".")
            if name not in self.names:
                continue
            inside = [] if end else os.listdir(os.path.join(folder, entry))
            if end or any(each.startswith("__init__.") for each in inside):
                raise Refused("`{}` beside the script hides a loaded module".format(entry))


def _part(name):
    """The names of the file beside this one."""
    path = os.path.join(os.path.dirname(__file__), name)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    names = {"__name__": "stepwell_zygote"}
    exec(code, names)
    return names


def _allow_next_fork(take):
    """Let the zygote fork anew, if it is still there."""
    try:
        os.write(take, b"1")
    except OSError:
        pass


def _load(usual, asked):
    """Import what is usual, and what is asked for as far as it is there; the names of the latter.

    What an import prints would be missing from the log of a step, so it must print nothing. It is
    done as a script does it, which some warnings depend on.
    """
    import tempfile
    from importlib import import_module

    for name in usual:
        import_module(name)
    imported = []
    with tempfile.TemporaryFile() as printed:
        kept = [os.dup(stream) for stream in (1, 2)]
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
        for name in asked:
            if _is_there(name.partition(".")[0]):
                try:
                    exec("import " + name, {"__name__": "__main__"})
                except BaseException as failed:
                    raise Refused("`import {}` fails: {!r}".format(name, failed))
                imported.append(name)
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, own in zip((1, 2), kept):
            os.dup2(own, stream)
            os.close(own)
        if os.fstat(printed.fileno()).st_size:
            raise Refused("`import {}` prints something".format(", ".join(imported)))
    return imported


def _is_there(name):
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _refresh():
    """Make anew what a fresh process has of its own, in modules that are loaded."""
    modules = sys.modules
    if "random" in modules and sys.version_info < (3, 7):
        modules["random"].seed()
    if "logging" in modules:
        import time

        # The zero of a record's `relativeCreated`; in nanoseconds since Python 3.13.
        now = time.time_ns() if sys.version_info >= (3, 13) else time.time()
        modules["logging"]._startTime = now
    if "tempfile" in modules:
        modules["tempfile"].tempdir = modules["tempfile"]._name_sequence = None
    if "multiprocessing.process" in modules:
        process = modules["multiprocessing.process"]
        process.ORIGINAL_DIR = os.getcwd()
        process.current_process().authkey = os.urandom(32)  # shared with nobody
    if hasattr(modules.get("numpy.random"), "seed"):
        modules["numpy.random"].seed()


def _read_files():
    """The files and folders that decided what is loaded, but for the standard library."""
    import site

    found = {os.path.realpath(sys.executable)}
    library = os.path.dirname(os.path.realpath(os.__file__))
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str):
            continue
        real = os.path.realpath(path)
        ours = real.startswith(library + os.sep)
        if not ours or os.sep + "site-packages" + os.sep in real:
            found.add(path)
    folders = list(getattr(site, "getsitepackages", list)())
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    for folder in folders:
        found.add(folder)
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        found.update(os.path.join(folder, each) for each in entries if each.endswith(".pth"))
    return sorted(found)


def _stamp(path):
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _forkable(channel):
    """Refuse if a fork would lack threads or share an open file."""

    def threads():
        count = 0
        for each in os.listdir("/proc/self/task"):
            with open("/proc/self/task/{}/comm".format(each)) as name:
                count += name.read().strip() not in REPLACEABLE
        return count

    if threads() > 1:
        # Libraries that are made for forks end their threads before one, and start them when
        # they are next needed: OpenBLAS does.
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        if threads() > 1:
            raise Refused("a loaded module has started threads")
    known = {0, 1, 2, channel}
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) in known:
            continue
        try:
            name = os.readlink("/proc/self/fd/" + entry)
        except OSError:
            continue  # that of the list itself
        raise Refused("a loaded module keeps `{}` open".format(name))


def _fork_twice(libc):
    """A fork by C's own `fork`, whose process in between ends at once; 0 in it, and of that one else."""
    between = libc.fork()
    if between == 0:
        child = libc.fork()
        if child:
            libc._exit(int(child < 0))
    return between


class _Sibling(object):
    """A fork that is its parent's sibling from the start, which C's `fork` has no way to ask for.

    The kernel does the same for both, and C's library on top of it what is done here for a process of
    one thread: the new one's number is known to it, and so is the list of locks that others are told of
    when it is killed. A library that asks to be called when a process forks would not be, so none may.
    """

    CLONE_PARENT, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, SIGCHLD = 1 << 15, 1 << 24, 1 << 21, 17
    PR_GET_TID_ADDRESS = 40
    # clone, set_robust_list and get_robust_list, and where clone wants the place of the number.
    CALLS = {"x86_64": (56, 273, 274, 3), "aarch64": (220, 99, 100, 4)}
    # By this name of C's a library asks to be called when a process forks.
    ASKS = b"__register_atfork"
    # What C's own files are called; they have that name, and ask for nothing.
    OF_C = ("ld", "ld64", "libc", "libpthread")
    # More than that is not looked through for it, as that would take its time, too.
    BYTES_MAX = 64 << 20

    @classmethod
    def of(cls, process):
        """One for this process, if it can be."""
        calls = cls.CALLS.get(os.uname().machine)
        if calls is None or not hasattr(process.libc, "gnu_get_libc_version"):
            return None
        try:
            if cls._is_asked_for(process.ctypes, process.libc):
                return None
        except (OSError, ValueError):  # a file that is no longer there
            return None
        sibling = cls(process, calls)
        return sibling if sibling.is_known() else None

    @classmethod
    def _is_asked_for(cls, ctypes, libc):
        import mmap

        libc.memmem.restype = ctypes.c_void_p
        left = cls.BYTES_MAX
        for path in _libraries():
            if os.path.basename(path).split(".")[0].split("-")[0] in cls.OF_C:
                continue
            with open(path, "rb") as file:
                text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            left -= len(text)
            first = ctypes.c_char.from_buffer(text)
            size, length = ctypes.c_size_t(len(text)), ctypes.c_size_t(len(cls.ASKS))
            found = libc.memmem(ctypes.byref(first), size, cls.ASKS, length)
            del first
            text.close()
            if left < 0 or found:
                return True
        return False

    def __init__(self, process, calls):
        ctypes, self.call = process.ctypes, process.call
        self.clone, self.set_locks, get_locks, self.place_of_number = calls
        self.number, self.locks, self.size = ctypes.c_long(), ctypes.c_long(), ctypes.c_long()
        if process.libc.prctl(self.PR_GET_TID_ADDRESS, ctypes.byref(self.number), 0, 0, 0):
            self.number.value = 0
        self.call(get_locks, 0, ctypes.byref(self.locks), ctypes.byref(self.size))
        self.number_at = ctypes.c_int.from_address

    def is_known(self):
        """Whether all that a fork must have is where it is looked for."""
        at = self.number.value
        return bool(at and self.locks.value) and self.number_at(at).value == os.getpid()

    def fork(self):
        """Fork; 0 in the fork, as C's own gives it."""
        flags = self.CLONE_PARENT | self.CLONE_CHILD_SETTID | self.CLONE_CHILD_CLEARTID | self.SIGCHLD
        values = [flags, 0, 0, 0, 0]
        values[self.place_of_number] = self.number
        forked = self.call(self.clone, *values)
        if forked == 0:
            self.call(self.set_locks, self.locks, self.size)
        return forked


def _libraries():
    """The files whose code is loaded."""
    found = set()
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(None, 5)
            if "x" in fields[1] and len(fields) > 5 and fields[5].startswith("/"):
                found.add(fields[5])
    return sorted(found)


class _Script(object):
    """The places where Python keeps the name of its main script, as wide characters."""

    def __init__(self):
        import ctypes

        self.ctypes = ctypes
        self.wide = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"
        name = sys.argv[0]
        self.room = len(name)
        self.placeholder = name.encode(self.wide)
        self.prefix = (os.getcwd() + "/").encode(self.wide)
        self.as_given, self.absolute = [], []
        for address in self._find():
            start = address - len(self.prefix)
            if ctypes.string_at(start, len(self.prefix)) == self.prefix:
                self.absolute.append(start)
            else:
                self.as_given.append(address)
        # Since Python 3.9 the path of the script is made absolute before `site` is imported.
        needed = self.absolute if sys.version_info >= (3, 9) else self.as_given
        if not needed:
            raise Refused("the name of its script is kept at an unknown place")

    def _find(self):
        """The addresses at which the placeholder begins, read through the file of the memory."""
        regions = []
        with open("/proc/self/maps") as maps:
            for line in maps:
                fields = line.split()
                name = fields[5] if len(fields) > 5 else ""
                if fields[1].startswith("rw") and name in ("", "[heap]"):
                    regions.append([int(each, 16) for each in fields[0].split("-")])
        own = id(self.placeholder)
        own = range(own, own + sys.getsizeof(self.placeholder))
        found = []
        with open("/proc/self/mem", "rb", 0) as memory:
            for start, end in regions:
                memory.seek(start)
                try:
                    text = memory.read(end - start)
                except (OSError, OverflowError):
                    continue
                at = text.find(self.placeholder)
                while at >= 0:
                    found.append(start + at)
                    at = text.find(self.placeholder, at + 4)
                del text
        size = len(self.placeholder)
        still = [at for at in found if self.ctypes.string_at(at, size) == self.placeholder]
        return [at for at in still if at not in own]

    def set(self, script):
        path = script if os.path.isabs(script) else os.getcwd() + "/" + script
        if len(script) > self.room or len(path) > self.room:
            raise Refused("the path of the script is too long")
        for places, text in ((self.as_given, script), (self.absolute, path)):
            text = (text + "\0").encode(self.wide, "surrogatepass")
            for place in places:
                self.ctypes.memmove(place, text, len(text))


class _Process(object):
    """What others see of this process, and what the kernel is asked for."""

    def __init__(self):
        import ctypes

        self.ctypes = ctypes
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.getenv.restype = ctypes.c_void_p
        # The mark of an attempt is looked for among the variables that a process began with.
        value = self.libc.getenv(ZYGOTE.encode("ascii"))
        self.mark_at = value and value - len(ZYGOTE) - 1
        self.mark_room = len(ZYGOTE) + 1 + len(os.environ.pop(ZYGOTE))
        with open("/proc/self/stat") as stat:
            fields = stat.read().rpartition(") ")[2].split()
        self.fields = [None] * 3 + [int(each) if each.isdigit() else 0 for each in fields]
        self.sibling = None
        self.syscall = ctypes.PyDLL(None).syscall
        self.syscall.restype = ctypes.c_long

    def call(self, *values):
        """What the kernel answers to a call for which C's library has no name everywhere."""
        long = self.ctypes.c_long
        return self.syscall(*[long(each) if isinstance(each, int) else each for each in values])

    def fork_for_the_supervisor(self, bring):
        """Fork a child of the supervisor's; true in it.

        Python has its say before and after, and not in between: what it does in a fork is done in
        the child alone, when the pages that this touches have been brought.
        """
        python = self.ctypes.pythonapi
        python.PyOS_BeforeFork()
        forked = self.sibling.fork() if self.sibling else _fork_twice(self.ctypes.PyDLL(None))
        if forked == 0:
            bring()
            python.PyOS_AfterFork_Child()
            return True
        python.PyOS_AfterFork_Parent()
        if not self.sibling and forked > 0:
            os.waitpid(forked, 0)
        return False

    def know_libraries(self):
        """Fork in the quickest way that what is loaded allows; nothing is loaded after this."""
        self.sibling = _Sibling.of(self)

    def die_with(self, supervisor):
        """The kernel's order to kill a child with its parent, who must be the supervisor by now."""
        import time

        patience = 3000
        while os.getppid() != supervisor:
            patience -= 1
            if not patience:
                raise Refused("its supervisor is not its parent")
            time.sleep(0.001)
        if self.libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0):
            raise Refused("the kernel does not tie it to its supervisor")
        if os.getppid() != supervisor:
            os._exit(0)

    def mark(self, attempt):
        text = MARKER.encode("ascii") + b"=" + attempt
        if len(text) > self.mark_room or not self.mark_at:
            raise Refused("it has no room for the mark of the attempt")
        text = text.ljust(self.mark_room, b"\0")
        self.ctypes.memmove(self.mark_at, text, len(text))

    def title(self, argv):
        """Show these arguments as the process's own."""
        start, end = self.fields[48], self.fields[49]
        text = b"".join(os.fsencode(each) + b"\0" for each in argv)[: end - start - 1]
        if not text:
            return
        self.ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)
        self._cut_title(start + len(text))

    def _cut_title(self, end):
        """Tell the kernel where they end; where it does not listen, empty ones are seen at the end."""
        ctypes = self.ctypes
        names = "start_code end_code start_data end_data start_brk brk start_stack arg_start arg_end"
        names = names.split() + ["env_start", "env_end", "auxv", "auxv_size_and_exe"]

        class Map(ctypes.Structure):
            _fields_ = [(name, ctypes.c_uint64) for name in names]

        self.libc.sbrk.restype = ctypes.c_void_p
        at = self.fields
        last = 0xFFFFFFFF << 32 if sys.byteorder == "little" else 0xFFFFFFFF
        values = [at[26], at[27], at[45], at[46], at[47], self.libc.sbrk(0) or 0, at[28], at[48]]
        map_ = Map(*(values + [end, at[50], at[51], 0, last]))
        size = ctypes.c_ulong(ctypes.sizeof(map_))
        self.libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.byref(map_), size, 0)


def _receive(channel):
    """The next message: eight digits of its length, and JSON. None when there is no more."""
    head = _exactly(channel, 8)
    text = head and _exactly(channel, int(head))
    return _decoded(text) if text else None


def _decoded(text):
    import json

    return json.loads(text.decode("utf-8"))


def _exactly(channel, length):
    text = b""
    while len(text) < length:
        more = os.read(channel, length - len(text))
        if not more:
            return None
        text += more
    return text


def _encoded(message):
    import json

    text = json.dumps(message).encode("ascii")
    return "{:08d}".format(len(text)).encode("ascii") + text


def _answer(channel, message):
    text = _encoded(message)
    while text:
        text = text[os.write(channel, text) :]
