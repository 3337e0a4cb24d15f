"""Scripts that look at what a start may change. Each prints what must be equal however it started.

What two processes never have in common, such as their numbers, is not printed.
"""

from __future__ import annotations

SCRIPTS = {
    "main": """
        'the docstring'
        import os, sys
        here = os.getcwd()
        print(__name__, os.path.relpath(__file__), os.path.isabs(__file__), __doc__, __spec__)
        print(type(__loader__).__name__, __package__, sorted(globals()))
        print(sys.modules['__main__'].__dict__ is globals(), sys.argv, sys.orig_argv[1:])
        print([os.path.relpath(each) if each.startswith(here) else each for each in sys.path])
        print(sys.executable, sys.prefix, sys.flags, sys.warnoptions, sys._xoptions)
        print('sitecustomize' in sys.modules, sys.getrecursionlimit(), sys.dont_write_bytecode)
    """,
    "frames": """
        import inspect, sys, traceback
        def depth(frame):
            return 0 if frame is None else 1 + depth(frame.f_back)
        def inner():
            print(depth(sys._getframe()), [each.function for each in inspect.stack()])
            traceback.print_stack()
            print(inspect.getsource(inner), inspect.getfile(inner) == __file__)
        inner()
        def endless(count):
            global reached
            reached = count
            endless(count + 1)
        try:
            endless(0)
        except RecursionError as error:
            print(reached, error)
    """,
    "fails": """
        def first():
            raise KeyError('first')
        try:
            first()
        except KeyError as error:
            raise ValueError('second') from error
    """,
    "hook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print('caught', kind, trace.tb_frame.f_back)
        1 / 0
    """,
    "exit_text": "import sys\nsys.exit('bye')\n",
    "exit_number": "import sys\nprint('before')\nsys.exit(7)\n",
    "exit_none": "raise SystemExit\n",
    "exit_tuple": "raise SystemExit((1, 2))\n",
    "exit_hard": "import os, sys\nsys.stdout.write('kept')\nos._exit(5)\n",
    "interrupt": "raise KeyboardInterrupt\n",
    "abort": "import os\nprint('before')\nos.abort()\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "syntax": "print('never')\nif:\n",
    "encoded": "# -*- coding: latin-1 -*-\nprint(ascii('é'))\n",
    "atexit": """
        import atexit, threading, time
        atexit.register(print, 'first registered')
        atexit.register(print, 'second registered')
        threading.Thread(target=lambda: (time.sleep(0.05), print('a thread ends'))).start()
        threading.Thread(target=lambda: time.sleep(100), daemon=True).start()
        class Ends:
            def __del__(self):
                print('deleted')
        kept = Ends()
        print('the script ends')
    """,
    "threads": """
        import asyncio, threading
        print(threading.current_thread() is threading.main_thread(), threading.active_count())
        main_thread = threading.main_thread()
        print(threading.current_thread().name, threading.get_ident() == main_thread.ident)
        async def main():
            await asyncio.sleep(0)
            return 'async'
        print(asyncio.run(main()))
    """,
    "processes": """
        import concurrent.futures, multiprocessing, os, pickle
        class Point:
            def __init__(self, x):
                self.x = x
            def __repr__(self):
                return 'Point(%r)' % self.x
        def double(point):
            return Point(2 * point.x)
        if __name__ == '__main__':
            print(pickle.dumps(Point(1)))
            print(multiprocessing.get_start_method(), multiprocessing.current_process().name)
            for method in ('fork', 'spawn', 'forkserver'):
                context = multiprocessing.get_context(method)
                with context.Pool(2) as pool:
                    print(method, pool.map(double, [Point(1), Point(2)]))
                queue = context.Queue()
                queue.put(method)
                print(queue.get())
            with concurrent.futures.ProcessPoolExecutor(1) as pool:
                print(pool.submit(double, Point(3)).result())
            print(multiprocessing.active_children())
    """,
    "joblib": """
        def square(number):
            return number * number
        if __name__ == '__main__':
            from joblib import Parallel, delayed
            print(Parallel(n_jobs=2)(delayed(square)(number) for number in range(5)))
    """,
    "signals": """
        import os, signal
        for each in sorted(signal.Signals):
            print(each.name, signal.getsignal(each))
        print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1))
        own = ~(3 << 31)  # what the C library keeps two signals for depends on who started whom
        with open('/proc/self/status') as status:
            wanted = ('SigB', 'SigI', 'SigC', 'NoNewPrivs')
            found = [line.split() for line in status if line.startswith(wanted)]
            print([(name, hex(int(value, 16) & own)) for name, value in found])
        signal.signal(signal.SIGALRM, lambda number, frame: print('alarm', frame.f_code.co_name))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
    """,
    "faults": """
        import faulthandler, sys
        print(faulthandler.is_enabled(), flush=True)
        faulthandler.dump_traceback(file=sys.stdout)
        faulthandler.enable()
        faulthandler._sigsegv()
    """,
    "surroundings": """
        import os, resource, subprocess, sys
        print(os.getpgid(0) == os.getpid(), os.getcwd() == os.path.dirname(__file__))
        print(sorted(os.listdir('/proc/self/fd')), os.isatty(0), os.isatty(1))
        print([os.path.basename(os.readlink('/proc/self/fd/%d' % each)) for each in range(3)])
        mask = os.umask(0)
        print(mask, os.nice(0), sorted(os.sched_getaffinity(0)), os.getgroups())
        names = [name for name in dir(resource) if name.startswith('RLIMIT_')]
        print([(name, resource.getrlimit(getattr(resource, name))) for name in names])
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError as error:
            print(error)
        with open('/proc/self/cmdline') as line, open('/proc/self/comm') as name:
            print(line.read().split(chr(0)), name.read())
        with open('/proc/%d/comm' % os.getppid()) as parent:
            print(parent.read())
        env = subprocess.run(['env', '-0'], stdout=subprocess.PIPE).stdout.decode().split(chr(0))
        own = ['%s=%s' % each for each in os.environ.items()]
        ours = ('STEPWELL_', 'AZUREML_')
        print(sorted(env) == sorted(own + ['']))
        print(sorted(each for each in own if not each.startswith(ours)))
        names = (name for name in os.environ if name.startswith(ours))
        print(sorted(name for name in names if name != 'STEPWELL_WARM'))
    """,
    "streams": """
        import io, os, subprocess, sys
        print('one')
        sys.stderr.write('two\\n')
        os.write(1, b'three\\n')
        subprocess.run(['echo', 'four'])
        sys.stdout.write('five ')
        sys.stderr.write('six\\n')
        for each in (sys.stdin, sys.stdout, sys.stderr):
            print(each.name, each.mode, each.encoding, each.errors, each.line_buffering)
            print(each.fileno(), each.seekable(), each.write_through, type(each.buffer).__name__)
            print(each is getattr(sys, '__%s__' % each.name.strip('<>')), each.isatty())
        print(repr(sys.stdin.read()), sys.stdout.buffer.tell() > 0)
        sys.stdout.reconfigure(line_buffering=True)
        print('ü')
    """,
    "locale": """
        import locale, sys, time
        print(locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False), time.tzname)
        print(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    """,
    "warned": """
        import logging, warnings
        print(warnings.filters)
        warnings.warn('shown', DeprecationWarning)
        warnings.warn('shown too')
        logging.warning('by the root logger')
        record = logging.LogRecord('n', 1, 'p', 1, 'm', (), None)
        print(0 <= record.relativeCreated < 5000, logging.root.handlers)
        print(logging.Logger.manager.loggerDict)
    """,
    "collector": """
        import gc, sys, time
        print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.garbage, sys.gettrace())
        print(time.process_time() < 5, sys.getswitchinterval())
        class Cycle:
            def __del__(self):
                print('collected')
        cycle = Cycle()
        cycle.own = cycle
        del cycle
        gc.collect()
    """,
    "types": """
        from __future__ import annotations
        import dataclasses, typing
        @dataclasses.dataclass
        class Row:
            name: str
            count: int = 0
        print(Row('a'), typing.get_type_hints(Row), Row.__module__, __annotations__)
        late: int = 1
        print(__annotations__)
    """,
    "sdk": """
        import os
        from azureml.core import Run
        run = Run.get_context()
        run.log('rate', 0.5)
        run.log_list('losses', [3, 2, 1])
        os.makedirs('outputs', exist_ok=True)
        with open('outputs/made.txt', 'w') as file:
            file.write('kept')
        print(type(run).__name__, run.id == os.environ['AZUREML_RUN_ID'], run.parent is not None)
    """,
    # What is done when objects are freed, after the script: each by itself, since one is enough
    # for an end of the usual kind.
    "freed_object": """
        class Ends:
            def __del__(self):
                print('deleted')
        kept = Ends()
    """,
    "freed_slots": """
        class Ends:
            __slots__ = ()
            def __del__(self):
                print('deleted')
        kept = (Ends(),)
    """,
    "freed_elsewhere": """
        import json
        class Ends:
            def __del__(self):
                print('deleted')
        json.kept = Ends()
    """,
    "freed_generator": """
        def steps():
            try:
                yield 1
            finally:
                print('closed')
        kept = steps()
        next(kept)
    """,
    "freed_weakref": """
        import weakref
        class Thing:
            pass
        kept = Thing()
        gone = weakref.ref(kept, lambda each: print('gone'))
        weakref.finalize(kept, print, 'finalized')
    """,
    "freed_file": """
        import os
        kept = os.fdopen(os.dup(1), 'w')
        kept.write('held back until it is freed')
    """,
    "freed_coroutine": """
        async def never():
            pass
        kept = never()
    """,
    "freed_loop": """
        import asyncio, warnings
        warnings.simplefilter('always')
        kept = asyncio.new_event_loop()
    """,
    "freed_warned": """
        import os, warnings
        warnings.simplefilter('always')
        kept = os.scandir('.')
        next(kept, None)
    """,
    "freed_patched": """
        import argparse
        argparse.Namespace.__del__ = lambda self: print('patched')
        kept = argparse.Namespace()
    """,
    "end_of_others": """
        import atexit, threading
        atexit.register(lambda: 1 / 0)
        atexit.register(exit, 3)
        thread = threading.Thread(target=print, args=('a thread',))
        thread.start()
        thread.join()
        print('the script ends')
    """,
    "end_forgotten": """
        import sys
        def hook(kind, error, trace):
            print('caught', kind)
            del sys.last_type, sys.last_value, sys.last_traceback
            if hasattr(sys, 'last_exc'):
                del sys.last_exc
            sys.excepthook = sys.__excepthook__
        sys.excepthook = hook
        1 / 0
    """,
    "end_unnamed": """
        import sys
        exit = sys.exit
        for name in [name for name in globals() if name != 'exit']:
            del globals()[name]
        exit(6)
    """,
    "end_stdout": "import os, sys\nsys.stdout.write('lost')\nos.close(1)\n",
    "end_interrupted": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n",
    "end_of_fork": """
        import os
        child = os.fork()
        if child:
            print(os.waitpid(child, 0)[1], flush=True)
        else:
            print('in the child', flush=True)
    """,
}
