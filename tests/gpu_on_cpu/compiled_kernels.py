"""What nvcc made of the CUDA backend, read from what lies beside its objects (kernels/cuda/nvcc_with_log.sh).

OBJECT.ptxas is what `ptxas -v` said; OBJECT.ptx/ holds the PTX of each architecture.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Blocks of kernels that do not say how large they are: kernels/for_each.h starts 256 threads.
USUAL_THREADS = 256

ENTRY = re.compile(r"Compiling entry function '(\S+)' for 'sm_(\d+)'")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
LOCAL = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
PTX_ENTRY = re.compile(r"\.entry (\S+?)\(")
PTX_THREADS = re.compile(r"\.(?:maxntid|reqntid) (\d+)(?:, (\d+))?(?:, (\d+))?")


@dataclass
class Kernel:
    symbol: str
    name: str  # as people read it
    arch: int
    registers: int
    shared_bytes: int  # static
    local_bytes: int  # the largest of stack frame and spills
    threads: int = USUAL_THREADS  # of a block


@dataclass(frozen=True)
class Multiprocessor:
    """Limits of one SM and how it hands out registers and shared memory."""

    warps: int
    blocks: int
    registers: int
    shared_bytes: int
    shared_per_block: int  # that the system keeps
    partitions: int = 4  # a warp's registers lie in one of them
    register_unit: int = 256  # per warp
    shared_unit: int = 128


# CUDA C++ Programming Guide 13.0, "Technical Specifications per Compute Capability"; units: cuda_occupancy.h.
MULTIPROCESSORS = {
    80: Multiprocessor(warps=64, blocks=32, registers=65536, shared_bytes=164 * 1024, shared_per_block=1024),
    90: Multiprocessor(warps=64, blocks=32, registers=65536, shared_bytes=228 * 1024, shared_per_block=1024),
}


def round_up(n, unit):
    return -(-n // unit) * unit


def occupancy(arch, threads, registers, shared_bytes):
    """Resident warps of an SM, in percent of the most it can hold."""
    sm = MULTIPROCESSORS[arch]
    warps = -(-threads // 32)
    per_warp = round_up(max(registers, 1) * 32, sm.register_unit)
    by_registers = sm.registers // sm.partitions // per_warp * sm.partitions // warps
    by_shared = sm.shared_bytes // round_up(shared_bytes + sm.shared_per_block, sm.shared_unit)
    return 100 * warps * min(sm.warps // warps, sm.blocks, by_registers, by_shared) / sm.warps


def demangled(symbols):
    lines = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout
    return lines.split("\n")[:len(symbols)]


def readable(signature):
    """`void mq::cuda::for_each_kernel<mq::cuda::(anonymous namespace)::X<mq::Pcm> >(...)` -> `X<Pcm>`."""
    text = re.sub(r"\(anonymous namespace\)::|\bmq::(cuda::)?", "", signature).removeprefix("void ")
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0:
            text = text[:place]
            break
    text = re.sub(r"(?<=>) (?=>)", "", text)
    wrapped = re.fullmatch(r"for_each_kernel<(.*)>", text)
    return wrapped.group(1) if wrapped else text


def threads_of_entries(ptx):
    """Kernel -> threads of a block, for those whose PTX says so."""
    found = {}
    for entry in PTX_ENTRY.finditer(ptx):
        limit = PTX_THREADS.search(ptx[entry.end():ptx.index("{", entry.end())])
        if limit:
            x, y, z = (int(size or 1) for size in limit.groups())
            found[entry.group(1)] = x * y * z
    return found


def kernels_of_log(log):
    """All kernels that a log of `ptxas -v` tells of, by their symbols."""
    kernels = []
    for part in re.split(r"(?=ptxas info\s*: Compiling entry function)", log)[1:]:
        symbol, arch = ENTRY.search(part).groups()
        used, shared, local = USED.search(part), SHARED.search(part), LOCAL.search(part)
        kernels.append(Kernel(symbol, symbol, int(arch), int(used.group(1)), int(shared.group(1)) if shared else 0,
                              max(map(int, local.groups())) if local else -1))
    return kernels


def ptx_files(object_file):
    """Architecture -> file."""
    return {int(re.search(r"compute_(\d+)", file.name).group(1)): file
            for file in Path(f"{object_file}.ptx").glob("*.ptx")}


def kernels_of(objects):
    """Every kernel of every object on every architecture, with a readable name."""
    kernels = []
    for path in objects:
        threads = {arch: threads_of_entries(file.read_text()) for arch, file in ptx_files(path).items()}
        for kernel in kernels_of_log(Path(f"{path}.ptxas").read_text()):
            kernel.threads = threads.get(kernel.arch, {}).get(kernel.symbol, USUAL_THREADS)
            kernels.append(kernel)
    for kernel, signature in zip(kernels, demangled([kernel.symbol for kernel in kernels])):
        kernel.name = readable(signature)
    return kernels
