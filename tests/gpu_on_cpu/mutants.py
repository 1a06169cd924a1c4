"""mutants.py --tests PROGRAM --objects LIST_FILE [--all | --sample N | --choose N] [--seed S] [--arch 90] [--jobs 2]: do the tests notice?

Makes faulty copies (mutants) of the PTX of the CUDA kernels, one fault in one line of each, and runs the cases that
compare CUDA with the CPU against every one of them (PROGRAM is stand_in_tests). A mutant is killed if a case fails.
Without --all or --sample it runs those that mutants.csv names and fails unless each is killed; a line of mutants.csv that
says `equivalent` names a fault that changes no result, with the reason, and is left out of --all and --sample. --choose
takes N killed ones, drawn by the seed and spread over kernels and kinds, as the new list: for when kernels have changed.
"""

import argparse
import concurrent.futures
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from compiled_kernels import demangled, ptx_files, readable  # noqa: E402

LIST = Path(__file__).resolve().with_name("mutants.csv")
COLUMNS = ["kernel", "kind", "site", "expected", "reason"]

# Which cases run the kernels of a file, by how its name begins: the fewer, the faster. A file that is not here meets all.
CASES = {
    "add_normals": "OnCuda.TrainingGives*",
    "cells": "OnCuda.Cells*:OnCuda.ArraysOfEverySize*",
    "float_product": "OnCuda.*FloatProduct*",
    "mvm": "OnCuda.*Products*:OnCuda.Noise*:OnCuda.Sums*:OnCuda.Clipped*:OnCuda.Planes*-OnCuda.*FloatProduct*",
    "planes": "OnCuda.Packs*:OnCuda.Quantizes*:OnCuda.Finds*:OnCuda.AnInput*:OnCuda.Planes*",
    "pulse": "OnCuda.Pulses*",
    "training": "OnCuda.TrainingOperations*:OnCuda.FixedPoint*:OnCuda.Clipping*:OnCuda.AFailed*",
}
EVERY_CASE = "OnCuda.*-OnCuda.TrainingByALibrary*"
REFUSED = re.compile(rb'description "line \d+:')  # a text that cannot be executed proves nothing
SECONDS = 60  # of one mutant; a kernel that hangs is killed as well

INTEGER = r"-?(?:0x)?[0-9A-Fa-f]+"


def without_line(line, match):
    return None


def next_element(line, match):
    """[%rd1+4] -> one element further."""
    size = {"8": 1, "16": 2, "32": 4, "64": 8}[match["width"]] * {None: 1, "v2": 2, "v4": 4}[match["vector"]]
    return line[:match.end("base")] + f"+{int(match['offset'] or 0) + size}" + line[match.end("offset") if match["offset"] else match.end("base"):]


def next_index(line, match):
    return line[:match.start("value")] + str(int(match["value"], 0) + 1) + line[match.end("value"):]


def fewer_bits(line, match):
    """A mask loses its lowest bit."""
    value = int(match["value"], 0) % 2 ** int(match["width"])
    return line[:match.start("value")] + str(value & (value - 1)) + line[match.end("value"):]


def other_table(line, match):
    """lop3 with a wrong truth table, where all three inputs are set."""
    return line[:match.start("value")] + str(int(match["value"], 0) ^ 0x80) + line[match.end("value"):]


def swapped(pairs):
    both = pairs | {new: old for old, new in pairs.items()}
    return lambda line, match: line[:match.start("word")] + both[match["word"]] + line[match.end("word"):]


def other_rounding(line, match):
    return line[:match.start("word")] + {"rn": "rz", "rni": "rzi", "rzi": "rni"}[match["word"]] + line[match.end("word"):]


def in_two_steps(line, match):
    """A fused multiply-add that rounds twice."""
    kind, d, a, b, c = (match[name] for name in ("type", "d", "a", "b", "c"))
    if d == c:
        return line
    return f"\tmul.rn.{kind} {d}, {a}, {b};\n\tadd.rn.{kind} {d}, {d}, {c};"


REGISTER = r"[^,;\s]+"
# kind -> (where, what becomes of the line; the same line: no mutant; None: the line goes)
KINDS = {
    "barrier": (re.compile(r"^\s*(?:bar|barrier)\.(?:warp\.)?sync\b"), without_line),
    "wait": (re.compile(r"^\s*cp\.async\.wait_(?:all|group)\b"), without_line),
    "address": (re.compile(r"^\s*(?:@!?%p\d+ )?(?:ld|st|atom|red)\.(?!param)[\w.]*?(?:\.(?P<vector>v[24]))?\.[a-z](?P<width>8|16|32|64)\b"
                           r"[^\[]*\[(?P<base>[%\w]+)(?:\+(?P<offset>-?\d+))?\]"), next_element),
    "index": (re.compile(rf"^\s*add\.[su](?:32|64)\s+{REGISTER}, {REGISTER}, (?P<value>{INTEGER});"), next_index),
    "mask": (re.compile(rf"^\s*and\.b(?P<width>32|64)\s+{REGISTER}, {REGISTER}, (?P<value>{INTEGER});"), fewer_bits),
    "logic": (re.compile(rf"^\s*lop3\.b32\s.*, (?P<value>{INTEGER});"), other_table),
    "extreme": (re.compile(r"^\s*(?P<word>min|max)\."), swapped({"min": "max"})),
    "rounding": (re.compile(r"^\s*cvt\.(?P<word>rn|rni|rzi)\."), other_rounding),
    "fusion": (re.compile(rf"^\s*fma\.rn\.(?P<type>f32|f64)\s+(?P<d>{REGISTER}), (?P<a>{REGISTER}), (?P<b>{REGISTER}), (?P<c>{REGISTER});"),
               in_two_steps),
    "comparison": (re.compile(r"^\s*setp\.(?P<word>lt|le|gt|ge|eq|ne)\."), swapped({"lt": "le", "gt": "ge", "eq": "ne"})),
}


@dataclass(frozen=True)
class Mutant:
    file: Path
    kernel: str  # readable
    kind: str
    site: int  # which line of that kind in the kernel, from 1
    number: int  # of the line in the file, from 0
    line: str
    changed: str  # "" if the line goes

    def name(self):
        return f"{self.kernel}, {self.kind} {self.site}"


def mutants_of(file):
    lines = file.read_text().split("\n")
    kernel, sites, found = None, {}, []
    for number, line in enumerate(lines):
        entry = re.search(r"\.entry (\S+?)\(", line)
        if entry:
            kernel, sites = entry.group(1), {}
        for kind, (pattern, change) in KINDS.items():
            match = pattern.match(line) if kernel else None
            if not match:
                continue
            changed = change(line, match)
            if changed != line:
                sites[kind] = sites.get(kind, 0) + 1
                found.append(Mutant(file, kernel, kind, sites[kind], number, line.strip(), changed or ""))
    names = dict(zip((kernels := sorted({mutant.kernel for mutant in found})), map(readable, demangled(kernels))))
    return [Mutant(**{**vars(mutant), "kernel": names[mutant.kernel]}) for mutant in found]


def outcome(program, mutant, arch):
    """How the tests answer: "killed" or "survived"; of the unchanged text if `mutant` is None."""
    with tempfile.TemporaryDirectory() as folder:
        cases = EVERY_CASE
        if mutant is not None:
            lines = mutant.file.read_text().split("\n")
            lines[mutant.number] = mutant.changed
            (Path(folder) / mutant.file.name).write_text("\n".join(lines))
            cases = next((CASES[name] for name in CASES if mutant.file.name.startswith(name)), EVERY_CASE)
        environment = os.environ | {"MQ_PTX_INSTEAD": folder, "MQ_PTX_ARCH": str(arch), "TEST_TMPDIR": folder}
        try:
            patience = SECONDS if mutant is not None else 3 * SECONDS  # on a busy machine no mutant could be told otherwise
            done = subprocess.run([program, f"--gtest_filter={cases}", "--gtest_fail_fast"], env=environment, timeout=patience,
                                  capture_output=True)
        except subprocess.TimeoutExpired:
            return "killed"
        if b"Running 0 tests" in done.stdout or REFUSED.search(done.stdout):
            return "survived"
        return "survived" if done.returncode == 0 else "killed"


def list_rows():
    with LIST.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def chosen(arguments, every):
    rows = [(row["kernel"], row["kind"], int(row["site"]), row["expected"]) for row in list_rows()]
    equivalent = {row[:3] for row in rows if row[3] == "equivalent"}
    candidates = [mutant for mutant in every if (mutant.kernel, mutant.kind, mutant.site) not in equivalent]
    if arguments.all:
        return candidates
    if arguments.sample:
        return random.Random(arguments.seed).sample(candidates, min(arguments.sample, len(candidates)))
    by_place = {(mutant.kernel, mutant.kind, mutant.site): mutant for mutant in every}
    wanted = [row[:3] for row in rows if row[3] == "killed"]
    for place in wanted:
        if place not in by_place:
            sys.exit(f"mutants.csv names {place[0]}, {place[1]} {place[2]}, but the kernel has no such line any more; choose another")
    return [by_place[place] for place in wanted]


def rewrite_list(arguments, every):
    rows = list_rows()
    candidates = [mutant for mutant in every if (mutant.kernel, mutant.kind, str(mutant.site)) not in
                  {(row["kernel"], row["kind"], row["site"]) for row in rows if row["expected"] == "equivalent"}]
    random.Random(arguments.seed).shuffle(candidates)
    taken = []
    while candidates and len(taken) < arguments.choose:
        # The kernel and the kind that were taken least come next.
        candidates.sort(key=lambda mutant: sum((mutant.kernel == other.kernel) + (mutant.kind == other.kind) for other in taken))
        mutant = candidates.pop(0)
        if outcome(arguments.tests, mutant, arguments.arch) == "killed":
            taken.append(mutant)
            print(f"taken: {mutant.name()}: {mutant.line}", flush=True)
    rows = [{"kernel": mutant.kernel, "kind": mutant.kind, "site": mutant.site, "expected": "killed", "reason": ""}
            for mutant in taken] + [row for row in rows if row["expected"] == "equivalent"]
    with LIST.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", required=True)
    parser.add_argument("--objects", required=True, help="file with a line per object that has PTX beside it")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--choose", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arch", type=int, default=90)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    objects = [line for line in Path(arguments.objects).read_text().split("\n") if line and "planted" not in line]
    every = [mutant for path in objects for mutant in mutants_of(ptx_files(path)[arguments.arch])]
    if arguments.choose:
        return rewrite_list(arguments, every)
    mutants = chosen(arguments, every)
    print(f"{len(every)} mutants can be made, {len(mutants)} are run")
    if not mutants:
        return 1
    if outcome(arguments.tests, None, arguments.arch) == "killed":
        print("the cases fail without any mutant; nothing can be said about mutants")
        return 1
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, result in zip(mutants, pool.map(lambda mutant: outcome(arguments.tests, mutant, arguments.arch), mutants)):
            print(f"{result}: {mutant.name()}: {mutant.line} -> {' '.join(mutant.changed.split()) or '(removed)'}", flush=True)
            if result != "killed":
                survivors.append(mutant)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
