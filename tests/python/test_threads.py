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


LONG = {
    "program through wires": """
        mq.Tile(W(1024), hardware={"wires": {"r_word_segment": "5 ohm", "r_bit_segment": "5 ohm"}, **BIG})
    """,
    "drift_to through wires": """
        tile = mq.Tile(W(1024), hardware={"wires": {"r_word_segment": "5 ohm", "r_bit_segment": "5 ohm"}, **BIG})
        ready()
        tile.drift_to("1 day")
    """,
    "mvm": """
        tile = mq.Tile(W(512))
        x = np.ones((200000, 512), np.float32)
        ready()
        tile.mvm(x)
    """,
}

SCRIPT = """
import sys, numpy as np, meltquench as mq
BIG = {"tile": {"rows": 1024, "columns": 1024}}
def W(n): return np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
def ready(): print("ready", flush=True)
try:
%s
except KeyboardInterrupt:
    sys.exit(42)
"""
