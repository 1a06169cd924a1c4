"""performance.py [--check | --cpu BENCHMARK_JSON | --gpu TEXT]: writes docs/performance.md from what lies in bench/results.

--cpu takes over a JSON file of google-benchmark (meltquench_bench --benchmark_out=FILE), written on this machine, as
bench/results/cpu.json first, --gpu what meltquench_gpu_bench printed as bench/results/gpu.csv. --check writes nothing and fails if the page is not what the files in bench/results give. Measured and predicted figures
stand in different sections: what is predicted follows from executed PTX and data sheets, no GPU was asked.
"""

import csv
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
REGISTERS = ROOT / "tests" / "gpu_on_cpu" / "registers.csv"


@dataclass(frozen=True)
class Gpu:
    """Rates per clock and SM: CUDA C++ Programming Guide 13.0, "Throughput of Native Arithmetic Instructions"."""

    name: str
    arch: int
    multiprocessors: int
    clock: float  # Hz: fp32 rate of the data sheet / (2 * lanes * multiprocessors)
    fp32: int  # lanes per clock and SM
    fp64: int
    integer: int
    special: int
    tensor: float  # int8 mma.m16n8k32 (8192 operations) per clock and SM, from the data sheet's dense rate
    memory: float  # bytes/s
    issue: int = 4  # warp instructions per clock and SM
    cache: int = 128  # bytes of L1 per clock and SM


def gpu(name, arch, multiprocessors, fp32_rate, int8_rate, memory, **lanes):
    clock = fp32_rate / (2 * lanes["fp32"] * multiprocessors)
    return Gpu(name, arch, multiprocessors, clock, tensor=int8_rate / (8192 * multiprocessors * clock), memory=memory, **lanes)


# Data sheets: NVIDIA A100 80GB SXM (19.5 TFLOP/s fp32, 624 TOP/s int8, 2039 GB/s), H100 SXM (67, 1979 dense, 3.35 TB/s).
GPUS = (gpu("A100", 80, 108, 19.5e12, 624e12, 2.039e12, fp32=64, fp64=32, integer=64, special=16),
        gpu("H100", 90, 132, 67e12, 1979e12, 3.35e12, fp32=128, fp64=64, integer=64, special=16))

CPU_COLUMNS = {"of_peak": ("of the peak", "{:.0%}"), "vs_blas": ("time / OpenBLAS", "{:.2f}"), "vs_avx2": ("time / its AVX2", "{:.2f}"),
               "M_items/s": ("M items/s", "{:.0f}"), "images/s": ("images/s", "{:.0f}")}
TIMES_OF = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
OF_GOOGLE_BENCHMARK = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations", "real_time",
                       "cpu_time", "time_unit", "family_index", "per_family_instance_index", "aggregate_name",
                       "aggregate_unit"}


def processor():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unnamed processor"


def import_cpu(report):
    """What the page needs of a report of google-benchmark; host names and paths stay out."""
    context = report["context"]
    kept = ("num_cpus", "load_avg", "isa", "openblas_core", "fma_peak_G_per_s")
    return {"machine": {"processor": processor()} | {key: context[key] for key in kept},
            "rows": [{"name": row["name"], "seconds": row["real_time"] * TIMES_OF[row["time_unit"]],
                      "counters": {key: value for key, value in row.items() if key not in OF_GOOGLE_BENCHMARK}}
                     for row in report["benchmarks"] if row.get("run_type") == "iteration"]}


def quantity(value, units):
    """Three digits with the largest unit that fits: 0.00123, (("s", 1), ("ms", 1e-3)) -> "1.23 ms"."""
    for unit, size in units:
        if abs(value) >= size:
            break
    scaled = value / size
    return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.3g} {unit}"


SECONDS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))
COUNTS = (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1))
BYTES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def read_csv(path):
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cpu_section():
    path = RESULTS / "cpu.json"
    if not path.exists():
        return "Nothing was measured yet: `./run performance` measures this machine."
    cpu = json.loads(path.read_text(encoding="utf-8"))
    machine = cpu["machine"]
    used = [key for key in CPU_COLUMNS if any(key in row["counters"] for row in cpu["rows"])]
    rows = [[f"`{row['name']}`", quantity(row["seconds"], SECONDS)] +
            [CPU_COLUMNS[key][1].format(row["counters"][key]) if key in row["counters"] else "" for key in used]
            for row in cpu["rows"]]
    return "\n".join([
        f"One core of {machine['processor']} ({machine['num_cpus']} CPUs, load"
        f" {machine['load_avg'][0]:.1f}), kernels {machine['isa']},"
        f" peak {float(machine['fma_peak_G_per_s']):.0f} G fused multiply-adds per second, OpenBLAS for"
        f" {machine['openblas_core']}. Ratios were measured in the same run and travel better than times.", "",
        table(["what", "time", *(CPU_COLUMNS[key][0] for key in used)], rows)])


GPU_LINE = re.compile(r"(?P<name>\S.*?)\s+(?P<time>[\d.]+) us\s+(?P<rate>[\d.e+]+) (?P<unit>\S+/s)")


def import_gpu(text):
    """Rows (name, value, unit, device); the program's first line names the device."""
    lines = text.splitlines()
    rows = []
    for line in lines[1:]:
        match = GPU_LINE.fullmatch(line.strip())
        if match:
            rows.append([match["name"], match["time"], "us", lines[0].strip()])
            rows.append([match["name"], match["rate"], match["unit"], lines[0].strip()])
    return rows


def gpu_section():
    rows = read_csv(RESULTS / "gpu.csv")
    if not rows:
        return "Nothing was measured yet: `bench/results/README.md` says how figures of a GPU come here."
    units = {"op/s": (("T op/s", 1e12), ("G op/s", 1e9))}
    by_name = {}
    for row in rows:
        value, unit = float(row["value"]), row["unit"]
        scale = units.get(unit, (("G " + unit, 1e9), ("M " + unit, 1e6), (unit, 1)))
        cell = quantity(value * 1e-6, SECONDS) if unit == "us" else quantity(value, scale)
        by_name.setdefault((row["device"], row["name"]), ["", ""])[unit != "us"] = cell
    lines = []
    for device in dict.fromkeys(device for device, _ in by_name):
        lines += [f"{device}; medians over repeats.", "",
                  table(["what", "time", "rate"], [[name, *cells] for (at, name), cells in by_name.items() if at == device])]
    return "\n".join(lines)


def traffic(cost):
    """Bytes over the memory bus: caches spare what is asked for again, so no more than all the memory at hand."""
    return min(32 * cost["sectors"], cost["footprint"])


def bounds(gpu, cost):
    """Resource -> seconds that the launch takes at least if it keeps that resource busy all the time."""
    per_second = gpu.multiprocessors * gpu.clock
    return {"issue": cost["warp_instructions"] / (per_second * gpu.issue), "fp32": cost["fp32"] / (per_second * gpu.fp32),
            "fp64": cost["fp64"] / (per_second * gpu.fp64), "integer": cost["integer"] / (per_second * gpu.integer),
            "special": cost["special"] / (per_second * gpu.special), "tensor": cost["tensor"] / (per_second * gpu.tensor),
            "L1": 32 * cost["sectors"] / (per_second * gpu.cache), "memory": traffic(cost) / gpu.memory}


def predicted(gpu, cost):
    limit, seconds = max(bounds(gpu, cost).items(), key=lambda item: item[1])
    return f"{quantity(seconds, SECONDS)} ({limit})"


def cost_rows():
    for row in read_csv(RESULTS / "cuda_kernels.csv"):
        yield {key: value if key in ("kernel", "workload") else int(value) for key, value in row.items()}


def ratio(actual, ideal):
    return f"{actual / ideal:.2f}" if ideal else "-"


def registers_section():
    kernels = {}
    for row in read_csv(REGISTERS):
        kernels.setdefault(row["kernel"], {})[int(row["arch"])] = row
    archs = sorted({arch for per_arch in kernels.values() for arch in per_arch})

    def pair(per_arch, key, unit=""):
        return " / ".join(per_arch[arch][key] + unit if arch in per_arch else "-" for arch in archs)

    rows = [[f"`{name}`", next(iter(per_arch.values()))["threads"], pair(per_arch, "registers"),
             pair(per_arch, "shared_bytes"), pair(per_arch, "occupancy_percent", "%")] for name, per_arch in kernels.items()]
    return table(["kernel", "threads per block", *(f"{what} (" + " / ".join(f"sm_{arch}" for arch in archs) + ")"
                                                   for what in ("registers", "shared bytes", "occupancy"))], rows)


def costs_section():
    rows = list(cost_rows())
    if not rows:
        return "No costs yet: `kernel_costs` (tests/gpu_on_cpu/runtime) writes them."
    ran = {row["kernel"] for row in rows}
    missing = sorted({row["kernel"] for row in read_csv(REGISTERS)} - ran)
    lines = [table(
        ["kernel", "launch", "fp32", "fp64", "integer", "tensor", "bytes", "sectors", "banks",
         *(f"{gpu.name}, predicted" for gpu in GPUS)],
        [[f"`{row['kernel']}`", f"{row['workload']}: {row['blocks']} x {row['threads']}",
          *(quantity(row[key], COUNTS).strip() if row[key] else "-" for key in ("fp32", "fp64", "integer", "tensor")),
          quantity(traffic(row), BYTES), ratio(row["sectors"], row["ideal_sectors"]),
          ratio(row["wavefronts"], row["ideal_wavefronts"]), *(predicted(gpu, row) for gpu in GPUS)] for row in rows])]
    if missing:
        lines += ["", "Not run for this table: " + ", ".join(f"`{name}`" for name in missing) + "."]
    return "\n".join(lines)


def rates_section():
    return table(["", *(gpu.name for gpu in GPUS)], [
        ["SM, clock", *(f"{gpu.multiprocessors}, {gpu.clock / 1e9:.2f} GHz" for gpu in GPUS)],
        ["lanes per clock and SM: fp32, fp64, integer, special",
         *(f"{gpu.fp32}, {gpu.fp64}, {gpu.integer}, {gpu.special}" for gpu in GPUS)],
        ["int8 `mma.m16n8k32` per clock and SM", *(f"{gpu.tensor:.2f}" for gpu in GPUS)],
        ["memory", *(f"{gpu.memory / 1e12:.2f} TB/s" for gpu in GPUS)]])


TEXT = """# Performance

Written by `./run performance`; the figures are in `bench/results`, and a test fails if this page is not made of them.

## Measured: CPU

{cpu}

"of the peak" is useful multiply-adds over the peak of fused multiply-adds of that core, "time / OpenBLAS" compares with
sgemm (sgemv at batch 1) of the same shape on one thread; below 1 is faster.

## Measured: GPU

{gpu}

## Predicted: CUDA kernels

No GPU was asked for this section. Registers, shared memory and occupancy are what ptxas and the limits of an SM give
(a test holds the table); counts come from executing the PTX of compute_90 on the CPU, one launch each.

{registers}

Operations are PTX instructions of single lanes (tensor: of warps). Bytes cross the memory bus: the sectors that were
asked for, but no more than all the memory that the launch had at hand, as caches spare what is asked for again. Sectors and banks: 32-byte sectors and passes over the banks of
shared memory, over the fewest that the same accesses could take; 1 is ideal. The time is a bound: the launch cannot
take less with the resource that it names busy from start to end on all SMs. It is no measurement, and it knows nothing
of latency, of launches that fill a part of the GPU, and of what ptxas makes of the PTX.

{costs}

Rates behind it, from NVIDIA's data sheets (A100 80GB SXM, H100 SXM) and the CUDA C++ Programming Guide 13.0 ("Throughput
of Native Arithmetic Instructions"); 4 warp instructions and 128 bytes of L1 per clock and SM on both:

{rates}
"""


def page():
    return TEXT.format(cpu=cpu_section(), gpu=gpu_section(), registers=registers_section(), costs=costs_section(),
                       rates=rates_section())


def main(arguments):
    if arguments[:1] == ["--cpu"]:
        report = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        (RESULTS / "cpu.json").write_text(json.dumps(import_cpu(report), indent=1) + "\n", encoding="utf-8")
    elif arguments[:1] == ["--gpu"]:
        rows = import_gpu(Path(arguments[1]).read_text(encoding="utf-8"))
        if not rows:
            print(f"{arguments[1]} has no line of meltquench_gpu_bench: NAME TIME us RATE UNIT/s", file=sys.stderr)
            return 1
        with (RESULTS / "gpu.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([["name", "value", "unit", "device"], *rows])
    elif arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            print("docs/performance.md is not what bench/results gives; tools/performance.py writes it")
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
