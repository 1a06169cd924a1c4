"""check_compiled_kernels.py --architectures LIST --table CSV [--update] OBJECT...: what nvcc made of the kernels.

Nothing is run. A spill or a stack frame means local memory, which is slow and never meant. Float operations whose
rounding is not written down may be fused or flushed by ptxas: then the results differ from the CPU's, on some GPUs.
Registers and shared memory are held against the checked-in table, which --update rewrites instead.
"""

import argparse
import re
import sys
import unittest
from pathlib import Path

import register_table
from compiled_kernels import (MULTIPROCESSORS, Kernel, kernels_of, kernels_of_log, occupancy, ptx_files, readable,
                              threads_of_entries)

ARGUMENTS = None

INEXACT = re.compile(r"\.approx|\.ftz|\.full\b|\b(?:add|sub|mul|fma|mad|div|sqrt|rcp)\.f(?:32|64)\b")
LIBRARY_CALL = re.compile(r"\bcall\b")


def inexact_lines(ptx):
    return [line.strip() for line in ptx.splitlines()
            if not line.lstrip().startswith("//") and (INEXACT.search(line) or LIBRARY_CALL.search(line))]


class CompiledKernels(unittest.TestCase):
    def test_no_kernel_spills_or_has_a_stack_frame(self):
        kernels = kernels_of(ARGUMENTS.objects)
        self.assertGreaterEqual(len(kernels), 11 * len(ARGUMENTS.architectures), "fewer kernels than the backend has")
        self.assertEqual([(kernel.name, kernel.arch) for kernel in kernels if kernel.local_bytes != 0], [])

    def test_each_file_is_compiled_for_each_architecture(self):
        for path in ARGUMENTS.objects:
            self.assertEqual(set(ptx_files(path)), set(ARGUMENTS.architectures), path)

    def test_every_float_operation_says_how_it_rounds(self):
        for path in ARGUMENTS.objects:
            for file in ptx_files(path).values():
                with self.subTest(file.name):
                    self.assertEqual(inexact_lines(file.read_text()), [])

    def test_no_kernel_fills_less_of_an_sm_than_the_table_says(self):
        table = register_table.read(Path(ARGUMENTS.table).read_text())
        known = set(ARGUMENTS.architectures) & set(MULTIPROCESSORS)
        if not known:
            self.skipTest(f"no limits are known for any of the architectures {ARGUMENTS.architectures}")
        found = register_table.complaints(table, register_table.rows_of(kernels_of(ARGUMENTS.objects)), known)
        self.assertEqual(found, [], "if this is meant, rewrite the table: cmake --build BUILD --target update_register_table")


class TheChecks(unittest.TestCase):
    """They find what they look for."""

    def test_spills_and_inexact_operations_are_found(self):
        log = ("ptxas info    : Compiling entry function '_Z4goodv' for 'sm_80'\n"
               "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
               "ptxas info    : Used 29 registers, used 1 barriers, 2048 bytes smem, 980 bytes cmem[0]\n"
               "ptxas info    : Compiling entry function '_Z3badv' for 'sm_90'\n"
               "    8 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
               "ptxas info    : Used 10 registers, used 0 barriers\n")
        self.assertEqual(kernels_of_log(log), [Kernel("_Z4goodv", "_Z4goodv", 80, 29, 2048, 0),
                                               Kernel("_Z3badv", "_Z3badv", 90, 10, 0, 8)])
        exact = "\tfma.rn.f32 %f1, %f2, %f3, %f4;\n\tmul.rn.f64 %fd1, %fd2, %fd3;\n\tmax.f32 %f1, %f2, %f3;\n\t// mul.f32\n"
        self.assertEqual(inexact_lines(exact), [])
        for bad in ("mul.f32 %f1, %f2, %f3;", "add.ftz.f32 %f1, %f2, %f3;", "sqrt.approx.f32 %f1, %f2;",
                    "div.full.f32 %f1, %f2, %f3;", "call.uni (retval0), expf, (param0);"):
            self.assertEqual(inexact_lines("\t" + bad + "\n"), [bad])

    def test_occupancy_is_that_of_the_toolkit(self):
        # (arch, threads, registers, shared bytes) -> percent, from cuda_occupancy.h of CUDA 13.0.
        for (arch, *use), percent in {(80, 128, 168, 0): 18.75, (80, 128, 102, 0): 25, (90, 128, 78, 0): 37.5,
                                      (80, 256, 32, 0): 100, (80, 256, 33, 0): 75, (80, 256, 8, 48 * 1024): 37.5,
                                      (90, 256, 8, 48 * 1024): 50, (90, 1024, 64, 0): 50, (80, 32, 8, 0): 50}.items():
            self.assertEqual(occupancy(arch, *use), percent, (arch, *use))

    def test_blocks_are_as_large_as_the_ptx_says(self):
        ptx = ".visible .entry _Z1av(\n)\n.maxntid 32, 4\n.minnctapersm 1\n{\n}\n.visible .entry _Z1bv(\n)\n{\n}\n"
        self.assertEqual(threads_of_entries(ptx), {"_Z1av": 128})

    def test_names_are_readable(self):
        self.assertEqual(readable("void mq::cuda::for_each_kernel<mq::cuda::(anonymous namespace)::SettleCell<mq::Pcm> >"
                                  "(mq::cuda::(anonymous namespace)::SettleCell<mq::Pcm>, unsigned int)"), "SettleCell<Pcm>")
        self.assertEqual(readable("mq::cuda::(anonymous namespace)::multiply(int, float const*)"), "multiply")

    def test_growth_and_new_and_missing_kernels_are_found(self):
        def rows(**kernels):
            return register_table.rows_of([Kernel(name, name, 80, registers, 0, 0) for name, registers in kernels.items()])

        table = register_table.read(register_table.text_of(rows(small=20, large=32, gone=8)))
        self.assertEqual(register_table.complaints(table, table, {80}), [])
        found = register_table.complaints(table, rows(small=31, large=33, new=8), {80})
        self.assertEqual([sentence.split(" on ")[0] for sentence in found], ["gone", "large", "new"])
        self.assertIn("fills 75% of an SM, the table says 100%", found[1])
        self.assertEqual(register_table.complaints(table, {}, {90}), [])


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", required=True, help="of the build, e.g. 80,90")
    parser.add_argument("--table", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("objects", nargs="+")
    ARGUMENTS = parser.parse_args()
    ARGUMENTS.architectures = [int(arch) for arch in ARGUMENTS.architectures.split(",")]
    if ARGUMENTS.update:
        table = Path(ARGUMENTS.table)
        rows = register_table.read(table.read_text()) if table.exists() else {}
        kept = {key: row for key, row in rows.items() if key[1] not in ARGUMENTS.architectures}
        table.write_text(register_table.text_of(kept | register_table.rows_of(kernels_of(ARGUMENTS.objects))))
        return
    unittest.main(argv=[sys.argv[0], "-v"])


if __name__ == "__main__":
    main()
