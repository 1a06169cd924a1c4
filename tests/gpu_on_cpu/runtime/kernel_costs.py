"""kernel_costs.py PROGRAM CSV: runs kernel_costs and writes what each kernel costs; of each its largest launch."""

import csv
import io
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from compiled_kernels import demangled, readable  # noqa: E402


def main(program, table):
    output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    largest = {}
    for row, signature in zip(rows, demangled([row["kernel"] for row in rows])):
        row["kernel"] = readable(signature)
        before = largest.get(row["kernel"])
        if before is None or int(row["warp_instructions"]) > int(before["warp_instructions"]):
            largest[row["kernel"]] = row
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(largest[kernel] for kernel in sorted(largest))


if __name__ == "__main__":
    main(*sys.argv[1:])
