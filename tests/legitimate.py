"""Valid programs of kinds that language models write: (name, verdict of plain Python, code).

`pass` is exit status 0 of `python main.py`, `fail` any other status. Each uses something by which a
runner could mistake it for an attempt on itself, or something that only the real `python main.py`
has.
"""

from __future__ import annotations

import textwrap

Case = tuple[str, str, str]


def _cases(verdict: str, **codes: str) -> list[Case]:
    return [(name, verdict, textwrap.dedent(code)) for name, code in codes.items()]


LOOKS_AT_ITSELF = _cases(
    "pass",
    caller_name="""
        import sys
        def who(): return sys._getframe(1).f_code.co_name
        def g(): return who()
        assert g() == "g" and sys._getframe().f_code.co_name == "<module>"
    """,
    stack="import inspect\ndef f(): return [s.function for s in inspect.stack()]\n"
    "assert f()[:2] == ['f', '<module>']",
    current_frame="import inspect\nx = 5\nassert inspect.currentframe().f_globals['x'] == 5",
    traceback_frame="""
        try: 1 / 0
        except ZeroDivisionError as e: assert e.__traceback__.tb_frame.f_lineno > 0
    """,
    generator_frame="""
        def g():
            x = 1
            yield x
        i = g(); next(i)
        assert i.gi_frame.f_locals == {"x": 1}
    """,
    coroutine_frame="async def f(): pass\nc = f(); assert c.cr_frame; c.close()",
    walk_traceback="""
        import traceback
        try: 1 / 0
        except ZeroDivisionError as e: assert len(list(traceback.walk_tb(e.__traceback__))) == 1
    """,
    caller_of_log="""
        import io, logging
        out = io.StringIO()
        logging.basicConfig(stream=out, format="%(funcName)s:%(lineno)d", level=10)
        def f(): logging.debug("x")
        f()
        assert out.getvalue() == "f:5\\n"
    """,
    trace_lines="""
        import sys
        seen = []
        def tracer(frame, event, arg):
            seen.append((event, frame.f_code.co_name))
            return tracer
        def f():
            return 1
        sys.settrace(tracer); f(); sys.settrace(None)
        assert ("call", "f") in seen and ("line", "f") in seen
    """,
    trace_left_on="import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    profile_calls="""
        import sys
        n = []
        sys.setprofile(lambda f, e, a: n.append(e)); len([]); sys.setprofile(None)
        assert "c_call" in n
    """,
    thread_trace="""
        import threading
        seen = []
        threading.settrace(lambda f, e, a: seen.append(e))
        t = threading.Thread(target=lambda: None); t.start(); t.join()
        assert seen
    """,
    coverage_by_trace="""
        import trace
        def f(x):
            if x: return 1
            return 2
        t = trace.Trace(count=1, trace=0)
        assert t.runfunc(f, 1) == 1 and t.results().counts
    """,
    profiled="""
        import cProfile, io, pstats
        p = cProfile.Profile()
        assert p.runcall(sum, [1, 2]) == 3
        out = io.StringIO(); pstats.Stats(p, stream=out).sort_stats("time").print_stats()
        assert "function calls" in out.getvalue()
    """,
    all_frames="import sys, threading\nassert threading.get_ident() in sys._current_frames()",
    collector="""
        import gc
        class Node: pass
        a = Node(); a.me = a
        assert any(o is a for o in gc.get_objects()) and gc.get_referrers(a)
        assert gc.get_referents(a); del a; assert gc.collect() > 0
    """,
    reference_counts="import sys\nx = []\ny = x\nassert sys.getrefcount(x) == 3",
    object_at_address="""
        import ctypes
        x = "spam"
        assert ctypes.cast(id(x), ctypes.py_object).value is x
        assert ctypes.c_long.from_address(id(x)).value > 0
    """,
    c_library="import ctypes\nassert ctypes.CDLL(None).abs(-3) == 3",
    compiled_anew="""
        import marshal, types
        code = marshal.loads(marshal.dumps(compile("x = 6 * 7", "lib.py", "exec")))
        scope = {}; exec(code, scope); assert scope["x"] == 42
        f = types.FunctionType((lambda: 1).__code__.replace(co_name="g"), {}); assert f() == 1
    """,
    own_source="import inspect\ndef f(): return 1\nassert 'return 1' in inspect.getsource(f)",
    own_file="import os\nassert 'import os' in open(__file__).read() and os.path.exists(__file__)",
    quine="""
        s = 's = %r\\nassert open(__file__).read().strip() == (s %% s).strip()'
        assert s % s
    """,
    audit_hook="import sys\nseen = []\nsys.addaudithook(lambda e, a: seen.append(e))\neval('1')\n"
    "assert 'compile' in seen",
    disassembled="import dis, io\nout = io.StringIO()\ndis.dis(lambda: 1, file=out)\n"
    "assert 'RETURN' in out.getvalue()",
    syntax_tree="""
        import ast
        tree = ast.parse("1 + 2", mode="eval")
        assert eval(compile(tree, "<ast>", "eval")) == 3 and ast.literal_eval("[1]") == [1]
    """,
    annotations="import typing\nx: int = 1\nassert __annotations__ == {'x': int}\n"
    "def f(a: 'list[int]') -> 'str': ...\nassert typing.get_type_hints(f)['a'] == list[int]",
    builtins_module="assert __builtins__.len([1]) == 1 and hasattr(__builtins__, 'print')",
    main_module="import sys, __main__\nx = 1\nassert __main__.x == 1\n"
    "assert sys.modules[__name__] is __main__ and __name__ == '__main__'",
    recursion_limit="""
        import sys
        def f(n): return 0 if n == 0 else 1 + f(n - 1)
        assert f(980) == 980 and sys.getrecursionlimit() == 1000
        try: f(2000)
        except RecursionError: sys.setrecursionlimit(5000)
        assert f(2000) == 2000
    """,
    deep_thread="""
        import sys, threading
        threading.stack_size(64 << 20); sys.setrecursionlimit(10 ** 5)
        def f(n): return 0 if n == 0 else 1 + f(n - 1)
        out = []
        t = threading.Thread(target=lambda: out.append(f(20000))); t.start(); t.join()
        assert out == [20000]
    """,
)

TESTS_ITSELF = _cases(
    "pass",
    doctest_module='''
        import doctest
        def f(x):
            """
            >>> f(1)
            2
            """
            return x + 1
        assert doctest.testmod() == (0, 1)
    ''',
    doctest_found='''
        import doctest
        def f(x):
            """
            >>> f(1)
            2
            """
            return x + 1
        tests = doctest.DocTestFinder().find(f, "f", globs={"f": f})
        runner = doctest.DocTestRunner(verbose=False)
        assert [runner.run(t).failed for t in tests] == [0]
    ''',
    unittest_main="""
        import unittest
        class T(unittest.TestCase):
            def test_a(self): self.assertEqual(1 + 1, 2)
        if __name__ == "__main__":
            unittest.main()
    """,
    unittest_main_with_settings="import unittest\nclass T(unittest.TestCase):\n"
    "    def test_a(self): pass\nunittest.main(argv=['x'], verbosity=2)",
    unittest_kept_running="import unittest\nclass T(unittest.TestCase):\n"
    "    def test_a(self): pass\nr = unittest.main(exit=False).result\nassert r.testsRun == 1",
    unittest_suite="""
        import sys, unittest
        class T(unittest.TestCase):
            def setUp(self): self.x = 1
            def test_a(self):
                with self.subTest(1), self.assertRaises(KeyError): {}[1]
        if __name__ == "__main__":
            suite = unittest.defaultTestLoader.loadTestsFromTestCase(T)
            sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
    """,
    mocks="""
        from unittest import mock
        import os
        with mock.patch("os.getcwd", return_value="/x") as m: assert os.getcwd() == "/x"
        m.assert_called_once(); assert mock.create_autospec(len, return_value=3)([]) == 3
    """,
    pytest_on_itself="""
        import sys
        import pytest
        def test_a(): assert 1 + 1 == 2
        @pytest.mark.parametrize("x", [1, 2])
        def test_b(x, tmp_path): assert x and tmp_path.exists()
        if __name__ == "__main__":
            sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider"]))
    """,
    main_returns_status="""
        import sys
        def main():
            assert 1 + 1 == 2
            return 0
        if __name__ == "__main__":
            sys.exit(main())
    """,
    raises_exit="def main(): pass\nraise SystemExit(main())",
    exit_at_the_end="def f(): return 1\nassert f() == 1\nimport sys\nsys.exit(0)",
    exit_in_else="import sys\nprint('x')\nif sys.argv[1:]:\n    print(1)\nelse:\n    sys.exit()",
    exit_of_a_thread="""
        import sys, threading
        t = threading.Thread(target=lambda: sys.exit(3)); t.start(); t.join()
    """,
    exit_that_is_caught="try:\n    exit(1)\nexcept SystemExit as e:\n    assert e.code == 1",
    at_exit="import atexit\natexit.register(print, 'bye')",
    finalizer="import tempfile, weakref\nd = tempfile.TemporaryDirectory()\n"
    "class A: pass\na = A(); weakref.finalize(a, print, 'gone')",
    byte_order_mark="\ufeffassert 1 + 1 == 2",
    long_sum="x = 0" + " + 1" * 1000 + "\nassert x == 1000",
    exit_after_a_long_sum="x = 0" + " + 1" * 900 + "\nassert x == 900\nraise SystemExit",
    checks_in_a_class="class A:\n    assert 1 + 1 == 2\n    f = len\nassert A.f('') == 0",
)

USES_THE_LIBRARY = _cases(
    "pass",
    redirected_output="""
        import contextlib, io, sys
        with contextlib.redirect_stdout(io.StringIO()) as out: print("x")
        assert out.getvalue() == "x\\n"
        old, sys.stdout = sys.stdout, io.StringIO(); print("y"); sys.stdout = sys.__stdout__
        assert sys.stdout is old
    """,
    imports_what_it_wrote="""
        import importlib
        open("helper_module.py", "w").write("x = 7")
        importlib.invalidate_caches()
        import helper_module
        assert helper_module.x == 7 and importlib.reload(helper_module).x == 7
    """,
    import_by_spec="""
        import importlib.util
        open("m.py", "w").write("x = 7")
        spec = importlib.util.spec_from_file_location("m", "m.py")
        m = importlib.util.module_from_spec(spec); spec.loader.exec_module(m); assert m.x == 7
    """,
    run_by_path="import runpy\nopen('m.py', 'w').write('x = 7')\n"
    "assert runpy.run_path('m.py')['x'] == 7",
    pickled_class="""
        import copy, pickle
        class A:
            def __init__(self): self.x = 1
        assert pickle.loads(pickle.dumps(A())).x == 1 and copy.deepcopy(A()).x == 1
    """,
    signals="""
        import os, signal
        seen = []
        signal.signal(signal.SIGUSR1, lambda s, f: seen.append(f.f_code.co_name))
        os.kill(os.getpid(), signal.SIGUSR1)
        assert seen == ["<module>"] and signal.getsignal(signal.SIGUSR1)
    """,
    alarm_as_timeout="""
        import signal
        class Late(Exception): pass
        def late(*_): raise Late
        signal.signal(signal.SIGALRM, late); signal.setitimer(signal.ITIMER_REAL, 0.02)
        try: signal.pause()
        except Late: pass
    """,
    main_thread="import threading\nassert threading.current_thread() is threading.main_thread()\n"
    "assert threading.main_thread().name == 'MainThread' and threading.active_count() == 1",
    threads="""
        import queue, threading
        q, out, lock = queue.Queue(), [], threading.Lock()
        def work():
            while (x := q.get()) is not None:
                with lock: out.append(x * x)
        ts = [threading.Thread(target=work) for _ in range(3)]
        [t.start() for t in ts]; [q.put(i) for i in range(5)]; [q.put(None) for _ in ts]
        [t.join() for t in ts]; assert sorted(out) == [0, 1, 4, 9, 16]
    """,
    thread_outlives_main="import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.05), print('late'))).start()",
    daemon_thread="import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    executors="""
        from concurrent.futures import ThreadPoolExecutor, as_completed
        pool = ThreadPoolExecutor(2)
        waiting = [pool.submit(abs, -i) for i in range(3)]
        assert {f.result() for f in as_completed(waiting)} == {0, 1, 2}
    """,
    async_subjects="""
        import asyncio
        async def g():
            for i in range(3): yield i
        async def main():
            async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                t = group.create_task(asyncio.to_thread(abs, -1))
            q = asyncio.Queue(); await q.put(1)
            return [x async for x in g()] + [t.result(), await q.get()]
        assert asyncio.run(main()) == [0, 1, 2, 1, 1]
    """,
    refused_process_is_handled="""
        import subprocess
        try: subprocess.run(["true"], check=True)
        except OSError: pass
    """,
    context_variables="import contextvars\nv = contextvars.ContextVar('v')\nv.set(1)\n"
    "c = contextvars.copy_context(); c.run(v.set, 2); assert v.get() == 1",
    warnings_as_errors="""
        import warnings
        warnings.simplefilter("error")
        try: warnings.warn("x", stacklevel=2)
        except UserWarning: pass
    """,
    decimals="from decimal import *\nwith localcontext() as c:\n    c.prec = 5\n"
    "    assert str(Decimal(1) / 3) == '0.33333'",
    seeds="import random\nrandom.seed(1); a = random.random()\n"
    "random.seed(1); assert a == random.random()",
    metaclass="""
        class M(type):
            def __new__(m, n, b, d): return super().__new__(m, n, b, d | {"x": 1})
        class A(metaclass=M): pass
        assert A.x == 1
    """,
    patched_builtin="import builtins\nold = builtins.print\nbuiltins.print = lambda *a: None\n"
    "print('x')\nbuiltins.print = old",
    own_exception_hook="import sys\nsys.excepthook = lambda *a: None\nassert sys.excepthook",
    faults="import faulthandler, tracemalloc\nfaulthandler.enable(); tracemalloc.start()\n"
    "assert tracemalloc.take_snapshot().statistics('lineno') is not None",
    named_types="""
        import dataclasses, enum, typing
        class P(typing.NamedTuple):
            x: int = 1
        @dataclasses.dataclass(slots=True, frozen=True)
        class D:
            x: int = 0
        class C(enum.Flag):
            a = enum.auto()
            b = enum.auto()
        assert P().x == 1 and dataclasses.replace(D(), x=2).x == 2 and C.a | C.b
    """,
    command_line="""
        import argparse
        p = argparse.ArgumentParser(); p.add_argument("--n", default=1)
        assert p.parse_args([]).n == 1 and p.parse_args().n == 1
    """,
    arrays="""
        import numpy as np
        a = np.arange(12.).reshape(3, 4)
        assert a.T.shape == (4, 3) and np.linalg.norm(a) > 0
        assert np.random.default_rng(0).random() < 1
    """,
    frames_of_data="import pandas as pd\nd = pd.DataFrame({'a': [1, 1, 2], 'b': [1, 2, 3]})\n"
    "assert d.groupby('a').b.sum().tolist() == [3, 3]",
    symbols="import sympy as sp\nx = sp.symbols('x')\nassert sp.diff(x ** 2, x) == 2 * x",
)

FAILS_IN_PYTHON_TOO = _cases(
    "fail",
    failing_unittest="import unittest\nclass T(unittest.TestCase):\n"
    "    def test_a(self): self.assertEqual(1, 2)\nunittest.main()",
    failing_unittest_suite="""
        import sys, unittest
        class T(unittest.TestCase):
            def test_a(self): self.fail()
        r = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
        sys.exit(not r.wasSuccessful())
    """,
    unittest_of_a_program_that_exits="import sys, unittest\ndef f(): sys.exit(0)\n"
    "class T(unittest.TestCase):\n    def test_a(self): self.assertEqual(f(), 1)\nunittest.main()",
    failing_pytest="import sys, pytest\ndef test_a(): assert 0\n"
    "sys.exit(pytest.main([__file__, '-q', '-p', 'no:cacheprovider']))",
    exit_status="import sys\nsys.exit(3)",
    exit_message="import sys\nsys.exit('wrong')",
    exit_true="raise SystemExit(True)",
    hard_exit_status="import os\nos._exit(3)",
    hard_exit_in_exit_function="import atexit, os\natexit.register(os._exit, 3)",
    command_line_error="""
        import argparse
        p = argparse.ArgumentParser(); p.add_argument("n")
        p.parse_args()
    """,
    sum_too_long_to_compile="x = 0" + " + 1" * 20_000,
    missing_module="import no_such_module",
    assertion_in_main="def main(): assert 1 == 2\nif __name__ == '__main__':\n    main()",
    keyboard="raise KeyboardInterrupt",
    error_group="raise ExceptionGroup('x', [ValueError(1)])",
)  # fmt: skip

LEGITIMATE_PROGRAMS = LOOKS_AT_ITSELF + TESTS_ITSELF + USES_THE_LIBRARY + FAILS_IN_PYTHON_TOO
