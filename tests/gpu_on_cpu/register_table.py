"""The checked-in table of what kernels cost: registers.csv. It changes with the kernels, in the same commit.

A kernel may use other registers than the table says, but not so many that fewer warps fit an SM; a kernel that the
table lacks, or that is gone, is an error. `cmake --build BUILD --target update_register_table` rewrites the table.
"""

import csv
import io

from compiled_kernels import MULTIPROCESSORS, occupancy

COLUMNS = ["kernel", "arch", "threads", "registers", "shared_bytes", "occupancy_percent"]


def rows_of(kernels):
    """(kernel, arch) -> row; kernels of architectures without known limits are left out."""
    rows = {}
    for kernel in kernels:
        if kernel.arch not in MULTIPROCESSORS:
            continue
        if (kernel.name, kernel.arch) in rows:
            raise ValueError(f"two kernels read as {kernel.name} on sm_{kernel.arch}; rename one of them")
        rows[kernel.name, kernel.arch] = {
            "kernel": kernel.name, "arch": kernel.arch, "threads": kernel.threads, "registers": kernel.registers,
            "shared_bytes": kernel.shared_bytes,
            "occupancy_percent": occupancy(kernel.arch, kernel.threads, kernel.registers, kernel.shared_bytes)}
    return rows


def text_of(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for key in sorted(rows):
        writer.writerow(rows[key] | {"occupancy_percent": f"{rows[key]['occupancy_percent']:g}"})
    return out.getvalue()


def read(text):
    numbers = {"arch": int, "threads": int, "registers": int, "shared_bytes": int, "occupancy_percent": float}
    rows = [{key: numbers.get(key, str)(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
    return {(row["kernel"], row["arch"]): row for row in rows}


def complaints(table, built, architectures):
    """What is wrong with `built`, in sentences; rows of architectures that this build does not make are not asked for."""
    found = []
    for kernel, arch in sorted(table.keys() | built.keys()):
        if arch not in architectures:
            continue
        old, new = table.get((kernel, arch)), built.get((kernel, arch))
        if new is None:
            found.append(f"{kernel} on sm_{arch} is in the table but not in the build")
        elif old is None:
            found.append(f"{kernel} on sm_{arch} is in the build but not in the table")
        elif new["occupancy_percent"] < old["occupancy_percent"]:
            found.append(
                f"{kernel} on sm_{arch} fills {new['occupancy_percent']:g}% of an SM, the table says {old['occupancy_percent']:g}%:"
                f" {new['threads']} threads, {new['registers']} registers (were {old['registers']}),"
                f" {new['shared_bytes']} shared bytes (were {old['shared_bytes']})")
    return found
