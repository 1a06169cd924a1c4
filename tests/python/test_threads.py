"""Threads beside forks and signals: a hang is a failure, and Ctrl-C is heard."""
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import meltquench as mq


def product(threads=2):
    rng = np.random.default_rng(1)
    tile = mq.Tile(rng.normal(size=(256, 256)).astype(np.float32), seed=3, threads=threads)
    return tile.mvm(rng.normal(size=(64, 256)).astype(np.float32))


def child_product(_):
    return product()


def nested(_):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map_async(child_product, range(1)).get(timeout=60)[0]


def test_children_of_fork_compute_the_same_bits():
    expected = product()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for result in pool.map_async(child_product, range(6)).get(timeout=60):
            assert np.array_equal(result, expected)


def test_children_of_children_compute_too():
    expected = product()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if np.array_equal(nested(0), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_fork_beside_a_thread_that_computes():
    stop = threading.Event()

    def work():
        while not stop.is_set():
            product()

    busy = threading.Thread(target=work)
    busy.start()
    try:
        for _ in range(4):
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os._exit(0 if product().shape == (64, 256) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        busy.join()


def test_more_threads_than_cores_are_warned_of():
    with pytest.warns(RuntimeWarning, match="500 threads are more than the"):
        mq.Tile(np.ones((2, 2), np.float32), threads=500)


# What runs for many seconds on one thread, each after "ready()".
LONG = {
    "synthesize drift": """
        ready()
        while True: mq.synthesize("drift", cells=1000000)
    """,
    "synthesize pulses": """
        ready()
        while True: mq.synthesize("pulses", "reram-es", cells=10, pulses=100000, sequences=20)
    """,
    "load_dataset": """
        ready()
        while True: mq.load_dataset("synthetic", train_images=1000000)
    """,
    "plot_device": """
        ready()
        while True: mq.plot_device("nandakumar-2018")
    """,
    "program": """
        ready()
        mq.Tile(W(1024), wires={"word_line": "5 Ohm", "bit_line": "5 Ohm"}, rows=1024, columns=1024)
    """,
    "drift_to": """
        tile = mq.Tile(W(1024), device="ideal", wires={"word_line": "5 Ohm", "bit_line": "5 Ohm"}, rows=1024, columns=1024)
        ready()
        for day in range(1, 100000): tile.drift_to(f"{day} days")
    """,
    "write-verify": """
        ready()
        for _ in range(10000): mq.Tile(W(512), programming={"method": "write-verify"}, rows=512, columns=512)
    """,
}

SCRIPT = """
import sys, time, numpy as np, meltquench as mq
def W(n): return np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
def ready(): print("ready", flush=True)
try:
    %s
except KeyboardInterrupt:
    print(time.process_time(), flush=True)
    sys.exit(42)
"""


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("call", LONG)
def test_ctrl_c_is_heard_within_half_a_second_of_computing(call):
    script = SCRIPT % textwrap.dedent(LONG[call]).strip().replace("\n", "\n    ")
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        before = cpu_seconds(child.pid)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
        assert child.returncode == 42
        assert float(out) - before < 0.5
    finally:
        child.kill()


def test_an_interrupted_tile_says_that_it_must_be_programmed_again():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        W = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
        big = mq.Tile(W, wires={"word_line": "5 Ohm", "bit_line": "5 Ohm"}, rows=512, columns=512)
        timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for day in range(1, 100000):
                big.drift_to(f"{day} days")
        try:
            big.mvm(W[:1])  # the signal may have come between two calls
        except RuntimeError as error:
            assert "interrupted" in str(error) and "program() again" in str(error)
        big.program(W)
        assert big.mvm(W[:1]).shape == (1, 512)
    finally:
        signal.signal(signal.SIGINT, before)
