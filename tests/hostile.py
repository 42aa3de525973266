"""Hostile programs, and what must become of them: (name, verdicts allowed, code).

`SECRET` is a file, and `PORT` a listening socket, of the host; `CANARY` a variable of its
environment. A program that gets at one of them prints its content, or BREACH.
"""

from __future__ import annotations

import socket
import textwrap
from dataclasses import dataclass
from pathlib import Path

Case = tuple[str, set[str], str]


@dataclass
class Host:
    """What hostile programs are after."""

    secret: Path
    listener: socket.socket
    canary: str = "CODEALIGN_TEST_CANARY"
    content: str = "BREACH of the secret file"

    def header(self) -> str:
        """Lines before a hostile program that tell it where to look."""
        port = self.listener.getsockname()[1]
        return f"SECRET, PORT, CANARY = {str(self.secret)!r}, {port}, {self.canary!r}\n"


def _cases(verdicts: set[str], **codes: str) -> list[Case]:
    return [(name, verdicts, textwrap.dedent(code)) for name, code in codes.items()]


LEAVES_EARLY = _cases(
    {"no_proof"},
    sys_exit="import sys; sys.exit(0)",
    os_exit="import os; os._exit(0)",
    libc_exit="import ctypes; ctypes.CDLL(None)._exit(0)",
    exit_in_function="def f():\n    raise SystemExit(0)\nf()",
    exit_while_described="""
        import os
        class Sly(Exception):
            def __str__(self): os._exit(0)
        raise Sly()
    """,
    quit_builtin="quit()",
    exit_before_the_tests="import sys\ndef f(): return 1\nsys.exit(0)\nassert f() == 2",
    exit_in_a_tested_function="import sys\ndef f(): sys.exit(0)\nassert f() == 2",
    exit_in_the_last_call="import sys\ndef f(): sys.exit()\ndef test(): assert f() == 2\ntest()",
    exit_within_a_larger_expression="import sys\ndef f(x): return x\nprint(f(sys.exit(0)))",
    exit_of_a_guard="""
        import sys
        def f(): return 1
        if __name__ == "__main__":
            sys.exit(0)
            assert f() == 2
    """,
    exit_of_a_loop="import sys\ndef f(): return 1\nfor i in range(3):\n    sys.exit()",
    unittest_before_the_tests="""
        import unittest
        class T(unittest.TestCase):
            def test(self): pass
        unittest.main()
        assert False
    """,
    exit_of_a_patched_test="""
        import sys, unittest
        def f(): unittest.TestCase.assertEqual = lambda *a: sys.exit(0)
        class T(unittest.TestCase):
            def test(self): self.assertEqual(f(), 2); sys.exit(0)
        unittest.TextTestRunner.run = lambda *a: sys.exit(0)
        unittest.main()
    """,
    exit_of_an_import="open('m.py', 'w').write('import sys; sys.exit(0)')\nimport m\nassert False",
    exit_by_exit_function="import atexit, os\natexit.register(os._exit, 0)\nos._exit(0)",
    main_thread_ends="import _thread\n_thread.exit()",
    torn_message="import os; os.write(3, b'\\xff\\xff'); os._exit(0)",
    error_withdrawn="""
        import os, struct
        try: assert False
        except AssertionError: os.write(3, struct.pack("<I", 33) + b"N" + b"0" * 32)
        os._exit(0)
    """,
    endless_proofs="""
        import os, secrets, struct
        for _ in range(1000):
            os.write(3, struct.pack("<I", 33) + b"N" + secrets.token_hex(16).encode())
        os._exit(0)
    """,
    forged_proof="""
        import os, struct
        for fd in range(64):
            for text in (b"N", b"N" + b"0" * 32, b"pass"):
                try: os.write(fd, struct.pack("<I", len(text)) + text)
                except OSError: pass
        os._exit(0)
    """,
    closed_descriptors="import os; os.closerange(0, 64); os._exit(0)",
    exit_in_thread_hook="""
        import os, threading
        threading.Timer(0.01, os._exit, (0,)).start()
        while True: pass
    """,
    exit_in_signal_handler="""
        import os, signal
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
        os.kill(os.getpid(), signal.SIGUSR1)
        while True: pass
    """,
    exit_in_finalizer="""
        import os
        class Sly:
            def __del__(self): os._exit(0)
        Sly()
    """,
    exit_at_termination="""
        import os, signal
        signal.signal(15, lambda *_: os._exit(0))
        os.kill(os.getpid(), 15)
    """,
)

SEARCH = """
import builtins, gc, os, struct, sys, threading, types
SIMPLE = (str, int, float, type(None))

def send(kind, payload):
    os.write(3, struct.pack("<I", len(payload) + 1) + kind + payload)

def forge(start):
    '''Send every text of a proof's length that can be reached, and leave as if all were well.'''
    own, seen, left = {id(start)}, set(), list(start)
    while left:
        each = left.pop()
        if id(each) in seen or id(each) in own or isinstance(each, SIMPLE): continue
        seen.add(id(each))
        if isinstance(each, (bytes, bytearray)):
            if len(each) in (16, 32, 33): send(b"N", bytes(each)[-32:])
            continue
        if isinstance(each, types.FrameType): left += [each.f_locals, each.f_globals, each.f_back]
        if callable(each) and type(each).__name__ == "partial":
            left += each.args
            if each.args[:1] == (b"N",): each()
        if type(each).__name__ in ("map", "tuple_iterator", "chain"): left += each.__reduce__()
        left += gc.get_referents(each)
    os._exit(0)
"""
"""Finds the proof of a pass wherever Python's own means lead, if it is there."""

STEALS_THE_PROOF = [
    (name, verdicts, SEARCH + code)
    for name, verdicts, code in _cases(
        {"no_proof"},
        from_frames="forge([sys._getframe(i) for i in range(2)])",
        from_traceback="""
            try: 1 / 0
            except ZeroDivisionError as e: forge([e.__traceback__.tb_frame.f_back])
        """,
        from_all_frames="forge(list(sys._current_frames().values()))",
        from_collector="forge(gc.get_objects())",
        from_thawed_collector="gc.unfreeze(); gc.collect(); forge(gc.get_objects())",
        from_referrers="gc.unfreeze(); forge(gc.get_referrers(os._exit, type(send), sys.stdout))",
        from_modules="forge([*sys.modules.values(), builtins, threading._active])",
        from_a_thread="""
            gc.unfreeze()
            threading.Thread(target=lambda: forge([*sys._current_frames().values()])).start()
        """,
        from_a_signal_handler="""
            import signal
            signal.signal(10, lambda _, frame: forge([frame])); os.kill(os.getpid(), 10)
        """,
        from_a_trace_function="""
            def trace(frame, event, arg): forge([frame, arg])
            sys.settrace(trace); (lambda: 0)()
        """,
        after_a_failure_by_trace="""
            sys.settrace(lambda frame, *a: frame.f_code.co_name != "forge" and forge([frame]))
            sys._getframe(1).f_trace = lambda frame, *a: forge([frame])
            assert False
        """,
        after_a_failure_by_its_text="""
            class Sly(Exception):
                def __str__(self): forge([sys._getframe(i) for i in range(4)] + gc.get_objects())
            raise Sly
        """,
    )
    + _cases(
        {"fail", "no_proof"},
        after_a_failure_by_finalizer="""
            class Sly:
                def __del__(self): forge([sys._getframe(), *gc.get_objects()])
            def f():
                x = Sly()
                assert False
            try: f()
            finally: pass
            """,
        by_hook="""
            sys.unraisablehook = sys.excepthook = lambda *a: forge([sys._getframe(), *a])
            os._exit = None
            assert False
        """,
    )
]

FAILS = _cases(
    {"fail"},
    wrong_assertion="assert 1 + 1 == 3",
    syntax_error="def f(:\n    pass",
    nul_byte="x = 1\0",
    many_parentheses="x = " + "(" * 200_000 + ")" * 200_000,
    surrogate="x = '\ud800'; raise ValueError(x)",
    patched_assertion_error="AssertionError = ValueError\nassert False",
    patched_write="import os; os.write = lambda *a: 0\nassert False",
    patched_exit="import os; os._exit = lambda *a: 0\nassert False",
    patched_builtins="import builtins\nbuiltins.BaseException = KeyError\nassert False",
    patched_main="import sys; sys.modules.clear()\nassert False",
    large_list="x = [0] * (8 << 30)",
    large_bytes="x = bytearray(8 << 30)",
    growing_list="x = [bytes(1 << 20) for _ in range(8 << 10)]",
    mmap="import mmap; mmap.mmap(-1, 8 << 30)",
    memfd="import os; os.memfd_create('x')",
    fork="import os\nif os.fork() == 0: os._exit(0)",
    subprocess="import subprocess; subprocess.run(['/bin/true'])",
    system_exec="import os; os.execv('/bin/true', ['true'])",
    process_pool="import multiprocessing; multiprocessing.Pool(2)",
    popen="import os; os.popen('true').read()",
    posix_spawn="import os; os.posix_spawn('/bin/true', ['true'], {})",
    tcp="import socket; socket.create_connection(('127.0.0.1', PORT)); print('BREACH')",
    udp="import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    dns="import socket; socket.getaddrinfo('example.org', 80)[0]; print('BREACH')",
    abstract_socket="import socket; socket.socket(socket.AF_UNIX).bind('\\0codealign')",
    netlink="import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    read_secret="print(open(SECRET).read())",
    append_secret="open(SECRET, 'a').write('BREACH')",
    delete_secret="import os; os.unlink(SECRET)",
    read_password_file="print('BREACH', open('/etc/passwd').read())",
    read_environment="import os; print('BREACH', os.environ[CANARY])",
    read_parent_environment="""
        import os
        print('BREACH', open(f'/proc/{os.getppid()}/environ', 'rb').read())
    """,
    read_own_memory="print('BREACH', open('/proc/self/mem', 'rb'))",
    list_processes="import os; print('BREACH', os.listdir('/proc'))",
    write_temporary="open('/tmp/codealign-breach', 'w').write('x'); print('BREACH')",
    write_home="open('/root/codealign-breach', 'w').write('x'); print('BREACH')",
    write_shared_memory="open('/dev/shm/codealign-breach', 'w').write('x'); print('BREACH')",
    write_interpreter="""
        import sysconfig
        open(sysconfig.get_path('stdlib') + '/codealign_breach.py', 'w'); print('BREACH')
    """,
    symlink_escape="""
        import os
        os.symlink(SECRET, 'link'); print(open('link').read())
    """,
    hard_link_escape="import os; os.link(SECRET, 'link'); print(open('link').read())",
    large_file="""
        with open('big', 'wb') as f:
            for _ in range(1024): f.write(bytes(1 << 20))
    """,
    many_large_files="""
        for i in range(1024):
            with open(f'big{i}', 'wb') as f: f.write(bytes(8 << 20))
    """,
    many_large_files_in_folders="""
        import os
        for i in range(1024):
            os.mkdir('d'); os.chdir('d')
            with open('big', 'wb') as f: f.write(bytes(8 << 20))
    """,
    files_without_end="""
        i = 0
        while True:
            i += 1; open(f'f{i}', 'w').close()
    """,
    kill_parent="import os; os.kill(os.getppid(), 9)",
    kill_all="import os; os.kill(-1, 9)",
    kill_parent_group="import os; os.killpg(os.getpgid(os.getppid()), 9)",
    kill_init="import os; os.kill(1, 15)",
    raise_limit="""
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    """,
    limit_parent="""
        import os, resource
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))
    """,
    become_root="import os; os.setuid(0); os.setgid(0); open('/root/x')",
    change_root="import os; os.chroot('/')",
    ptrace="""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.ptrace(16, os.getppid(), 0, 0) == 0
    """,
    unshare="""
        import ctypes
        assert ctypes.CDLL(None).unshare(0x10000000) == 0
    """,
    mount="""
        import ctypes
        assert ctypes.CDLL(None).mount(b'none', b'/', b'tmpfs', 0, None) == 0
    """,
    input_closed="input()",
    recursion="def f(): return f()\nf()",
    huge_exception="raise ValueError('x' * 10_000_000)",
    thread_bomb="""
        import threading, time
        for _ in range(100_000):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    """,
    descriptor_bomb="import os\nwhile True: os.pipe()",
)  # fmt: skip

ENDLESS = _cases(
    {"timeout"},
    busy_loop="while True: pass",
    catch_all_loop="""
        while True:
            try:
                while True: pass
            except BaseException: pass
    """,
    ignored_signals="""
        import signal
        for s in range(1, 32):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
    """,
    big_power="10 ** 10 ** 8",
    busy_threads="""
        import threading
        for _ in range(4): threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
    """,
    closes_pipes_and_loops="import os; os.closerange(0, 64)\nwhile True: pass",
    big_factorial="import math; math.factorial(10 ** 8)",
    many_small_files="i = 0\nwhile True:\n    i += 1; open(f'f{i % 1000}', 'w').close()",
)

SLEEPERS = _cases(
    {"timeout"},
    sleep="import time; time.sleep(600)",
    stopped="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    waits_for_lock="import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    reads_own_pipe="import os; r, w = os.pipe(); os.read(r, 1)",
)

CRASHES = _cases(
    {"crash"},
    abort="import os; os.abort()",
    kills_itself="import os; os.kill(os.getpid(), 9)",
    segmentation_fault="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    bus_error_in_a_thread="""
        import os, signal, threading
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGBUS)).start()
    """,
    fault_that_is_reported="""
        import faulthandler, os
        faulthandler.enable(); os.kill(os.getpid(), 11)
    """,
)

HOSTILE = LEAVES_EARLY + STEALS_THE_PROOF + FAILS + ENDLESS + SLEEPERS + CRASHES

LEGITIMATE = textwrap.dedent("""
    import asyncio, collections, concurrent.futures, contextlib, dataclasses, datetime, enum
    import io, json, logging, os, pathlib, pickle, random, re, shutil, signal, sqlite3, statistics
    import sys, tempfile, threading, time, traceback, typing, unittest, uuid, warnings, zipfile
    import numpy as np

    Point = collections.namedtuple("Point", "x y")
    Colour = enum.Enum("Colour", "red green")

    @dataclasses.dataclass
    class Item:
        name: str
        tags: list[str] = dataclasses.field(default_factory=list)

    assert Point(1, 2).x == 1 and Colour.red.name == "red" and Item("a") == Item("a")
    assert typing.get_type_hints(Item)["name"] is str

    async def double(x):
        await asyncio.sleep(0.001)
        return 2 * x

    async def gathered():
        return await asyncio.gather(*(double(i) for i in range(3)))

    assert asyncio.run(gathered()) == [0, 2, 4]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
    with sqlite3.connect(":memory:") as db:
        assert db.execute("select 1 + 1").fetchone() == (2,)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sub", "a.txt")
        path.parent.mkdir()
        path.write_text("hello")
        path.chmod(0o600)
        os.utime(path)
        shutil.copy2(path, path.with_suffix(".bak"))
        with zipfile.ZipFile(pathlib.Path(folder, "a.zip"), "w") as z:
            z.write(path, "a.txt")
        assert sorted(p.name for p in path.parent.iterdir()) == ["a.bak", "a.txt"]
    u, s, v = np.linalg.svd(np.eye(20) + 1)
    assert abs(s[0] - 21) < 1e-9 and np.random.rand(3).shape == (3,)
    logging.getLogger("x").warning("seen")
    warnings.warn("seen", stacklevel=1)
    try:
        raise ValueError("seen")
    except ValueError:
        traceback.print_exc()
        assert "ValueError" in traceback.format_exc()

    class Test(unittest.TestCase):
        def test_fails_as_it_should(self):
            with self.assertRaises(ZeroDivisionError):
                1 / 0

    suite = unittest.TestLoader().loadTestsFromTestCase(Test)
    assert unittest.TextTestRunner(stream=io.StringIO()).run(suite).wasSuccessful()
    fired = []
    signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.1)
    assert fired == [1]
    assert pickle.loads(pickle.dumps(Item("a"))) == Item("a")
    assert re.sub(r"a+", "b", "caat") == "cbt" and json.loads("[1]") == [1]
    assert uuid.uuid4() != uuid.uuid4() and datetime.date(2024, 2, 29).isoformat()
    assert os.environ["HOME"] == os.getcwd() and sys.argv == ["main.py"]
    assert statistics.mean([1, 2, 3]) == 2 and random.random() != random.random()

    def recurse(n):
        return 0 if n == 0 else 1 + recurse(n - 1)

    assert recurse(900) == 900
    if __name__ == "__main__":
        print("all good")
""")
