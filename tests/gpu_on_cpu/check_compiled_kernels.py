"""check_compiled_kernels.py OBJECT...: what nvcc made of the kernels, without running them.

Beside each object lie OBJECT.ptxas, what `ptxas -v` said, and OBJECT.ptx/, the PTX (kernels/cuda/nvcc_with_log.sh).
A spill or a stack frame means local memory, which is slow and never meant. Float operations whose rounding is not
written down may be fused or flushed by ptxas: then the results differ from the CPU's, on some GPUs.
"""

import re
import sys
import unittest
from pathlib import Path

ARCHITECTURES = {"80", "90"}
OBJECTS = []

FUNCTION = re.compile(r"Function properties for (\S+)")
LOCAL_MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
INEXACT = re.compile(r"\.approx|\.ftz|\.full\b|\b(?:add|sub|mul|fma|mad|div|sqrt|rcp)\.f(?:32|64)\b")
LIBRARY_CALL = re.compile(r"\bcall\b")


def kernels_and_local_memory(log):
    """[(kernel, largest of stack frame and spills)] in what ptxas said."""
    found = []
    lines = log.splitlines()
    for number, line in enumerate(lines):
        function = FUNCTION.search(line)
        if function:
            memory = LOCAL_MEMORY.search(lines[number + 1]) if number + 1 < len(lines) else None
            found.append((function.group(1), max(map(int, memory.groups())) if memory else -1))
    return found


def inexact_lines(ptx):
    return [line.strip() for line in ptx.splitlines()
            if not line.lstrip().startswith("//") and (INEXACT.search(line) or LIBRARY_CALL.search(line))]


class CompiledKernels(unittest.TestCase):
    def test_no_kernel_spills_or_has_a_stack_frame(self):
        kernels = [kernel for path in OBJECTS for kernel in kernels_and_local_memory(Path(path + ".ptxas").read_text())]
        self.assertGreaterEqual(len(kernels), 2 * 11, "fewer kernels than the backend has, on two architectures")
        self.assertEqual([kernel for kernel in kernels if kernel[1] != 0], [])

    def test_each_file_is_compiled_for_each_architecture(self):
        for path in OBJECTS:
            found = {re.search(r"compute_(\d+)", file.name).group(1) for file in Path(path + ".ptx").glob("*.ptx")}
            self.assertEqual(found, ARCHITECTURES, path)

    def test_every_float_operation_says_how_it_rounds(self):
        for path in OBJECTS:
            for file in Path(path + ".ptx").glob("*.ptx"):
                with self.subTest(file.name):
                    self.assertEqual(inexact_lines(file.read_text()), [])

    def test_the_checks_find_what_they_look_for(self):
        log = ("ptxas info    : Function properties for good\n    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
               "ptxas info    : Function properties for bad\n    8 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n")
        self.assertEqual(kernels_and_local_memory(log), [("good", 0), ("bad", 8)])
        exact = "\tfma.rn.f32 %f1, %f2, %f3, %f4;\n\tmul.rn.f64 %fd1, %fd2, %fd3;\n\tmax.f32 %f1, %f2, %f3;\n\t// mul.f32\n"
        self.assertEqual(inexact_lines(exact), [])
        for bad in ("mul.f32 %f1, %f2, %f3;", "add.ftz.f32 %f1, %f2, %f3;", "sqrt.approx.f32 %f1, %f2;",
                    "div.full.f32 %f1, %f2, %f3;", "call.uni (retval0), expf, (param0);"):
            self.assertEqual(inexact_lines("\t" + bad + "\n"), [bad])


if __name__ == "__main__":
    OBJECTS = sys.argv[1:]
    unittest.main(argv=[sys.argv[0], "-v"])
