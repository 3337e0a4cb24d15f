"""What makes the forks of a loaded interpreter quick: their pages, and their end.

Both are learned once, from a fork that runs an empty script to its end: the *rehearsal*. It runs
nothing of the environment's but what the interpreter had loaded before.

*Pages.* A page that a fork writes to is copied then, and one of a file that it reads is looked up,
each by an interruption. The fork that waits for a step has that done for all pages that the
rehearsal touched, before the step comes.

*End.* At its end Python frees, one by one, all objects of all modules. In a fork that takes longer
than all else, and nobody sees it, unless an object does something when it is freed. So a fork that has
run its script to the end, without an error and without `sys.exit`, looks at what the script has left,
after all `atexit` functions have run, and if nothing of it would be noticed it leaves by C's `exit`.
Whatever is not known to be without effect is left to Python: then the end is as slow as ever.
"""

import gc
import os
import sys

# How long the rehearsal may take.
PATIENCE_S = 5
PAGE = os.sysconf("SC_PAGE_SIZE")
PRESENT, EXCLUSIVE = 1 << 63, 1 << 56
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23
PIDFD_OPEN, PROCESS_MADVISE = 434, 440
# As many ranges as one call takes.
RANGES_MAX = 1024
SIGKILL = 9

# Modules whose objects do something when they are freed that the interpreter does not show.
FREEING = frozenset("_curses _dbm _gdbm _sqlite3 _tkinter readline _xxsubinterpreters".split())
FRAMES_MAX = 64
# More objects than that are left to Python: to look at them would take its time, too.
OBJECTS_MAX = 50000
# Where a dictionary keeps the number of its last change, until Python 3.13.
VERSION_AT = 24
# Packages with compiled modules whose objects are memory and nothing else, and that may be left to
# the end of the process; of `pyarrow` that is so until an object of its own is there.
MEMORY = frozenset(
    "PIL contourpy joblib kiwisolver markupsafe matplotlib numpy pandas psutil pyarrow scipy sklearn yaml"
    " _yaml charset_normalizer".split()
)
NOT_ONLY_MEMORY = "pyarrow"


class End(object):
    """The last of the `atexit` functions of a fork; it is registered before all others."""

    def __init__(self, process):
        """Be called at the end, if this interpreter can have an end of this kind."""
        import atexit

        self.libc, self.ctypes = process.libc, process.ctypes
        self.normal = self.version = None
        self.pid = 0
        # Functions that were registered before would run after this one.
        others = getattr(atexit, "_ncallbacks", lambda: 1)()
        known = hasattr(self.libc, "backtrace") and self._knows_changes()
        self.is_possible = known and not others and not sys.flags.dev_mode
        atexit.register(self._finish)

    def _version(self):
        """The number of the last change of `sys`: of its streams and hooks, and of an error that
        nobody has caught, which Python keeps there."""
        return self.ctypes.c_uint64.from_address(id(sys.__dict__) + VERSION_AT).value

    def _knows_changes(self):
        if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
            return False  # objects are laid out in another way
        before = self._version(), self._version()
        sys._stepwell_ = None
        changed = self._version()
        del sys._stepwell_
        return before[0] == before[1] != changed != self._version() != before[0]

    def know(self):
        """Keep what is there before any script; objects that are made from now on are a script's."""
        import warnings

        self.warnings = warnings
        self.filters = list(warnings.filters)
        self.modules = frozenset(sys.modules)
        self.library = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
        if any(self._is_foreign(name) for name in self.modules):
            self.is_possible = False

    def is_of_step(self):
        """Be the end of this process, and not of one that it forks."""
        self.pid, self.version = os.getpid(), self._version()

    def _finish(self):
        if not self._leaves_nothing():
            # Python frees everything, and must find what a script has put into what is loaded.
            gc.unfreeze()
        elif self.is_possible and self.version == self._version():
            place = self._place()
            if self.normal is None:  # the rehearsal tells its own, by its standard input
                os.write(0, ",".join("{:x}".format(each) for each in place).encode("ascii"))
            if self.normal in (None, place):
                self._leave()

    def _leave(self):
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            return  # Python finds it again, and says so
        self.libc.exit(0)

    def _place(self):
        """The calls on the stack of C: they differ for an end by `sys.exit`."""
        buffer = (self.ctypes.c_void_p * FRAMES_MAX)()
        count = self.libc.backtrace(buffer, FRAMES_MAX)
        return list(buffer[:count])

    def _leaves_nothing(self):
        """Whether nobody would notice if the objects of the script were not freed."""
        if self.pid != os.getpid() or self.warnings.filters != self.filters:
            return False
        if sys.gettrace() or sys.getprofile() or gc.callbacks or gc.get_debug():
            return False
        if len(sys._current_frames()) > 1 or _is_monitored():
            return False
        new = set(sys.modules) - self.modules
        if FREEING & set(sys.modules) or any(self._is_foreign(name) for name in new):
            return False
        return not _has_finalizers()

    def _is_foreign(self, name):
        """Whether a module is compiled, and not known to hold memory alone."""
        path = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(path, str) or path.endswith((".py", ".pyc")):
            return False
        parts = os.path.realpath(path).split(os.sep)
        for packages in ("site-packages", "dist-packages"):
            if packages in parts:
                after = parts[parts.index(packages) + 1 :]
                return after[0].partition(".")[0] not in MEMORY
        return not os.path.realpath(path).startswith(self.library)


def _is_monitored():
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(tool) for tool in range(6))


def _has_finalizers():
    """Whether an object of the script does something when it is freed.

    Those of the interpreter are not looked at, as they are frozen. An object that the collector does
    not know can do something only by its class, which it knows.
    """
    import weakref

    objects = gc.get_objects()
    if len(objects) > OBJECTS_MAX:
        return True
    kinds = set(map(type, objects))
    if any(hasattr(kind, "__del__") for kind in kinds):
        return True
    if any(str(kind.__module__).startswith(NOT_ONLY_MEMORY) for kind in kinds):
        return True
    classes = [kind for kind in kinds if issubclass(kind, type)]
    references = [kind for kind in kinds if issubclass(kind, weakref.ref)]
    for each in objects:
        kind = type(each)
        if kind in classes and hasattr(each, "__del__"):
            return True
        if kind in references and each.__callback__ is not None:
            return True
    return False


class Pages(object):
    """The pages that each fork touches, and the rehearsal by which they are known."""

    def __init__(self, process, end):
        ctypes = self.ctypes = process.ctypes
        self.libc = process.libc
        self.end = end
        self.ranges, self.groups = [], []
        self.libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.call = process.call

    def rehearse(self, prepare):
        """Let a fork prepare and run an empty script, and see what it touched; false in that fork."""
        if not hasattr(self.libc, "on_exit"):
            return True
        listening, running = os.pipe()
        before = _mappings()
        child = os.fork()
        if child == 0:
            try:
                os.close(listening)
                self._run_nothing(running, prepare)
            except BaseException:
                os._exit(1)
            return False
        os.close(running)
        try:
            places = _until_closed(listening)
            self.ranges = _touched(child, before)
            self._group()
            self.end.normal = [int(each, 16) for each in places.split(b",")] if places else []
        except (OSError, ValueError):
            pass  # it is only slower
        os.kill(child, SIGKILL)
        os.waitpid(child, 0)
        os.close(listening)
        return True

    def _run_nothing(self, running, prepare):
        """Have Python run an empty script; at its end, wait to be looked at.

        Nothing of the environment's runs: neither its customizations nor what it has registered.
        """
        import atexit
        import site

        os.dup2(running, 0)
        os.close(running)
        atexit._clear()
        atexit.register(self.end._finish)
        site.ENABLE_USER_SITE = False
        prepare()
        pointer = self.ctypes.c_void_p
        self.libc.on_exit.argtypes = [pointer, pointer]
        # Called with the exit status, the last one first: close(0), which is heard, then pause().
        for function in (self.libc.pause, self.libc.close):
            self.libc.on_exit(self.ctypes.cast(function, pointer), None)

    def _group(self):
        """Put the ranges into as few calls as they fit in."""
        ctypes = self.ctypes

        class Range(ctypes.Structure):
            _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]

        for kind, advice in ((True, MADV_POPULATE_WRITE), (False, MADV_POPULATE_READ)):
            ranges = [(start, size) for start, size, is_writable in self.ranges if is_writable == kind]
            for first in range(0, len(ranges), RANGES_MAX):
                some = ranges[first : first + RANGES_MAX]
                values = (Range * len(some))(*some), len(some), advice, 0
                self.groups.append((values, sum(size for _, size in some)))

    def bring(self):
        """Have the pages in this fork."""
        if not self._bring_together():
            for start, size, is_writable in self.ranges:
                advice = MADV_POPULATE_WRITE if is_writable else MADV_POPULATE_READ
                self.libc.madvise(start, size, advice)

    def _bring_together(self):
        """The same with few calls; false if not all is done, as before Linux 6.13."""
        own = self.call(PIDFD_OPEN, os.getpid(), 0)
        if own < 0:
            return False
        done = all(self.call(PROCESS_MADVISE, own, *values) == size for values, size in self.groups)
        os.close(own)
        return done


def _until_closed(pipe):
    """What is written to a pipe until it is closed."""
    import select

    text = b""
    while select.select([pipe], [], [], PATIENCE_S)[0]:
        more = os.read(pipe, 4096)
        if not more:
            return text
        text += more
    raise OSError("nothing was heard")


def _mappings():
    """Where memory of this process's own and of files is, and whether it can be written to."""
    found = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            place, rights, _, _, file = line.split(None, 5)[:5]
            if rights[0] != "r" or rights[3] != "p" or "[v" in line:
                continue
            is_writable = rights[1] == "w"
            if is_writable or file != "0":
                start, end = [int(each, 16) for each in place.split("-")]
                found.append((start, end, is_writable))
    return found


def _touched(process, mappings):
    """The ranges of pages that a fork has of its own, or has read of files."""
    ranges = []
    with open("/proc/{}/pagemap".format(process), "rb", 0) as pagemap:
        for start, end, is_writable in mappings:
            wanted = (PRESENT | EXCLUSIVE) if is_writable else PRESENT
            pagemap.seek(start // PAGE * 8)
            entries = memoryview(pagemap.read((end - start) // PAGE * 8)).cast("Q")
            begin = None
            for number, entry in enumerate(entries):
                if entry & wanted == wanted:
                    begin = number if begin is None else begin
                elif begin is not None:
                    ranges.append((start + begin * PAGE, (number - begin) * PAGE, is_writable))
                    begin = None
            if begin is not None:
                size = (len(entries) - begin) * PAGE
                ranges.append((start + begin * PAGE, size, is_writable))
    return ranges
