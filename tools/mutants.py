"""mutants.py [--count N] [--seed S] [--files F] [--sources cpp] [--dirs D,D] [--only K,K]: do the tests notice a fault?

Draws N statements of devices/, kernels/portable and crossbar/ by a seed, plants one classic fault in each, and compiles all of
them at once into a copy of the tree (build/mutants), where the variable MQ_MUTANT chooses the fault that is present. So a
mutant costs a run of tests and no build. Tests of the folder run until one fails,
quick ones of all mutants first: killed, as is what crashes or takes far longer than the unchanged program. What the compiler
refuses is left out before any test runs, and the next of the draw takes its place.
Results are kept (build/mutants/results.json) as long as neither the tree nor the draw changes. A header is compiled into many
files: --sources cpp leaves headers out; --files F draws F files first, those that the draw of statements meets, to save compiling.

Not mutated: what the compiler evaluates (constants, describe(), which the pages of docs/reference pin), contracts, texts of errors.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
BUILD = TREE / "build" / "test"  # as deep as that of the tree itself: a compiler cache knows what is not mutated
SLOW_MS = 300  # tests that take longer run last
FOLDERS = ["devices", "kernels/portable", "crossbar"]
# Programs whose tests concern a file, by how its path begins; the first that fails ends a mutant.
PROGRAMS = {
    "devices/fit": ["fit_tests"],
    "devices": ["devices_tests", "kernels_tests", "crossbar_tests", "fit_tests"],
    "kernels/portable/training": ["kernels_tests", "training_tests"],
    "kernels/portable": ["kernels_tests", "crossbar_tests"],
    "crossbar": ["crossbar_tests", "experiment_tests"],
}
# Stands in front of a mutated file; a header may bring it again. Warnings about what a fault makes of code are no errors.
IGNORED = ["parentheses", "unused", "unused-variable", "unused-but-set-variable", "unused-parameter", "unused-function", "unused-value",
           "maybe-uninitialized", "uninitialized", "return-type", "type-limits", "sign-compare", "bool-compare", "tautological-compare",
           "dangling-else", "misleading-indentation", "div-by-zero", "array-bounds", "stringop-overflow", "unused-local-typedefs",
           "bool-operation", "aggressive-loop-optimizations", "nonnull", "dangling-pointer", "logical-not-parentheses", "int-in-bool-context"]
HEADER = (
    "#include <cstdlib>\n"
    "#ifndef MQ_MUTANTS\n#define MQ_MUTANTS\nnamespace mq_mutants { inline const int chosen = [] { const char* text = std::getenv("
    '"MQ_MUTANT"); return text ? std::atoi(text) : 0; }(); '
    "constexpr bool is(int mutant) { return !__builtin_is_constant_evaluated() && chosen == mutant; } }\n#endif\n"
    + "".join(f'#pragma GCC diagnostic ignored "-W{name}"\n' for name in IGNORED))

# kind -> (what is replaced, by what); the text is one where literals of strings and comments are blank.
REPLACED = {
    "arithmetic": (re.compile(r" (?P<old>[-+*/]) "), {"+": "-", "-": "+", "*": "/", "/": "*"}),
    "assignment": (re.compile(r" (?P<old>[-+*/]=) "), {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="}),
    "comparison": (re.compile(r" (?P<old><|<=|>|>=|==|!=) "),
                   {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}),
    "logic": (re.compile(r" (?P<old>&&|\|\|) "), {"&&": "||", "||": "&&"}),
    "extreme": (re.compile(r"\b(?P<old>min|max)(?=\()"), {"min": "max", "max": "min"}),
    "truth": (re.compile(r"\b(?P<old>true|false)\b"), {"true": "false", "false": "true"}),
}
NUMBER = re.compile(r"(?<![\w.])(?P<old>(?:\d+\.\d+|\d+)(?:e[-+]?\d+)?)(?=(?:f|u|_\w+)?\b(?![.\w]))")
CONDITION = re.compile(r"^(?P<head>(?:else )?(?:if|while) \()(?P<condition>.*)(?P<tail>\)\s*\{?)$", re.S)
DECLARATION = re.compile(r"^(?P<head>(?:static )?(?:const )?[A-Za-z_][\w:]*(?:<[^=;]*>)?[\s*&]+[A-Za-z_]\w* = )(?P<value>[^{].*);$", re.S)
EFFECT = re.compile(r"^[A-Za-z_][\w.:\[\]\->+* ()]*?(?: [-+*/|&]?= |\(|\+\+;)")
TYPED = re.compile(r"^(?:const |auto\b|static |typename |using |struct |enum |[\w:]+(?:<.*>)?[&*]? [A-Za-z_]\w*(?: =|;|\(|\{))")
LEFT_OUT = re.compile(r"^(?:MQ_\w+\(|static_assert|using |template|case |default|constexpr|if constexpr|throw |break|continue|goto|"
                      r"\w+:|else if constexpr|static constexpr|#)")


@dataclass(frozen=True)
class Statement:
    path: str
    start: int
    end: int


@dataclass(frozen=True)
class Mutant:
    path: str
    start: int
    end: int
    line: int
    kind: str
    before: str
    after: str
    code: str  # what stands in the tree; {k} is the mutant's number

    def name(self):
        return f"{self.path}:{self.line} {self.kind}: {squeezed(self.before)}  ->  {squeezed(self.after)}"


def squeezed(text):
    return " ".join(text.split())


def masked(text):
    """The text with blanks for comments, literals and lines of the preprocessor; as long as it was."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.S | re.M)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def opens_body(before):
    """Whether a brace behind `before`, the text since the last statement, holds statements."""
    if re.search(r"\b(?:namespace|struct|class|enum|union|extern|concept)\b[^()]*$", before):
        return "scope"
    if re.search(r"(?:\)|\]|\b(?:const|noexcept|override|else|do|try|mutable)|\) (?:const )?-> [\w:<>, &*]+)\s*$", before):
        return "body"
    return "init"


def statements(path, text):
    """Statements of function bodies, heads of if, while and for included."""
    found, stack, begin, parens = [], [], 0, 0
    interrupted = False  # the statement holds a body: a lambda
    for at, letter in enumerate(text):
        if letter in "([":
            parens += 1
        elif letter in ")]":
            parens -= 1
        elif letter == "{":
            kind = opens_body(text[begin:at])
            in_body = bool(stack) and stack[-1][0] == "body"
            if kind == "body" and in_body and parens == 0 and re.match(r"\s*(?:else )?(?:if|while|for)\b", text[begin:at]):
                found.append((begin, at + 1))
            stack.append((kind, begin, parens, interrupted))
            if kind != "init":
                begin, parens, interrupted = at + 1, 0, False
        elif letter == "}" and stack:
            kind, began, parens, _ = stack.pop()
            if kind != "init":
                is_whole = re.match(r"\s*[;,)]", text[at + 1:at + 40]) is not None
                interrupted = is_whole
                begin = began if is_whole and kind == "body" else at + 1
        elif letter == ";" and parens == 0 and stack and stack[-1][0] != "init":
            if stack[-1][0] == "body" and not interrupted:
                found.append((begin, at + 1))
            begin, interrupted = at + 1, False
    for start, end in found:
        start += len(text[start:end]) - len(text[start:end].lstrip())
        yield Statement(path, start, end)


def descriptions(text):
    """Where describe() and its like stand."""
    spans = []
    for match in re.finditer(r"(?:describe|names|field_\w+)\([^)]*\)\s*(?:const )?\{", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        spans.append((match.start(), at))
    return spans


def edits(blank):
    """(kind, from, to, new) of every fault of operators and constants in a statement."""
    for kind, (pattern, other) in REPLACED.items():
        for match in pattern.finditer(blank):
            yield kind, match.start("old"), match.end("old"), other[match["old"]]
    for match in NUMBER.finditer(blank):
        old = match["old"]
        if "." in old or "e" in old:
            yield "constant", match.start("old"), match.end("old"), "1.0" if float(old) == 0.0 else f"2.0 * {old}"
        else:
            yield "constant", match.start("old"), match.end("old"), str(int(old) + 1)


def faults(code, blank):
    """(kind, changed text, text with a switch) of every fault of one statement."""
    is_head = blank.endswith("{")
    condition, declaration = CONDITION.match(blank), DECLARATION.match(blank)
    for kind, first, last, new in edits(blank):
        changed = code[:first] + new + code[last:]
        if is_head or (condition and not is_head):
            if not condition or not condition.start("condition") <= first < condition.end("condition"):
                continue
            if not is_head:
                yield kind, changed, f"if (mq_mutants::is({{k}})) {{{{ {esc(changed)} }}}} else {{{{ {esc(code)} }}}}"
                continue
            shift = len(changed) - len(code)
            start, end = condition.span("condition")
            yield kind, changed, (f"{esc(code[:start])}mq_mutants::is({{k}}) ? ({esc(changed[start:end + shift])}) : "
                                  f"({esc(code[start:end])}){esc(code[end:])}")
        elif declaration:
            start, end = declaration.span("value")
            if not start <= first < end or has_comma(blank[start:end]):
                continue
            shift = len(changed) - len(code)
            yield kind, changed, (f"{esc(code[:start])}mq_mutants::is({{k}}) ? ({esc(changed[start:end + shift])}) : "
                                  f"({esc(code[start:end])});")
        elif not TYPED.match(blank) or blank.startswith("return"):
            yield kind, changed, f"if (mq_mutants::is({{k}})) {{{{ {esc(changed)} }}}} else {{{{ {esc(code)} }}}}"
    if condition and is_head:
        start, end = condition.span("condition")
        changed = f"{code[:start]}!({code[start:end]}){code[end:]}"
        yield "negation", changed, f"{esc(code[:start])}mq_mutants::is({{k}}) != static_cast<bool>({esc(code[start:end])}){esc(code[end:])}"
    returned = re.match(r"^return (?P<value>[^{].*);$", blank, re.S)
    if returned:
        value = esc(code[returned.start("value"):returned.end("value")])
        yield "return", "return {};", f"if (mq_mutants::is({{k}})) return {{{{}}}}; else return {value};"
    elif not is_head and not condition and EFFECT.match(blank) and not TYPED.match(blank):
        yield "dropped", "(dropped)", f"if (!mq_mutants::is({{k}})) {{{{ {esc(code)} }}}}"


def esc(text):
    return text.replace("{", "{{").replace("}", "}}")


def has_comma(text):
    """Whether declarators follow: a comma outside of all brackets."""
    depth = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            return True
    return False


def mutants_of(path, text):
    """For each statement of a file all its mutants."""
    blank = masked(text)
    spans = descriptions(blank)
    for statement in statements(path, blank):
        start, end = statement.start, statement.end
        if any(first <= start < last for first, last in spans) or LEFT_OUT.match(blank[start:end]):
            continue
        line = text.count("\n", 0, start) + 1
        found = [Mutant(path, start, end, line, kind, text[start:end], changed, code)
                 for kind, changed, code in faults(text[start:end], blank[start:end])]
        if found:
            yield found


def sources(tree, folders):
    return sorted(path for path in tree if path.endswith((".cpp", ".h")) and path.startswith(tuple(folder + "/" for folder in folders)))


def drawn(tree, folders, seed, ending):
    """One mutant of every statement, in the order of the draw: kinds are as likely as they are frequent."""
    chance = random.Random(seed)
    groups = [group for path in sources(tree, folders) if path.endswith(ending)
              for group in mutants_of(path, tree[path].decode())]
    # A statement with four faults stands for four.
    order = sorted(groups, key=lambda group: chance.random() ** (1.0 / len(group)), reverse=True)
    return [chance.choice(group) for group in order], sum(map(len, groups))


def write_if_changed(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def snapshot():
    """The bytes of every file, as they were when the mutants were drawn: the tree may change under a long run."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {path: (ROOT / path).read_bytes() for path in listed.stdout.split("\n") if path and (ROOT / path).is_file()}


def write_tree(tree, mutants):
    """The copy of the tree with every mutant, which keeps times of files that stay as they are."""
    by_path = {}
    for number, mutant in mutants.items():
        by_path.setdefault(mutant.path, []).append((number, mutant))
    for path, content in tree.items():
        for number, mutant in sorted(by_path.get(path, []), key=lambda pair: -pair[1].start):
            text = content.decode()
            content = (text[:mutant.start] + mutant.code.format(k=number) + text[mutant.end:]).encode()
        write_if_changed(TREE / path, HEADER.encode() + content if path in by_path else content)


def configure():
    """As ./run test does, for one instruction set."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "test", "-DMQ_PYTHON=OFF", "-DMQ_CUDA=OFF", "-DMQ_BASE_ISA_ONLY=ON"], cwd=TREE, check=True,
                       stdout=subprocess.DEVNULL)


def numbers_at(file, line):
    """Mutants that a message about a line of the tree speaks of."""
    lines = Path(file).read_text(encoding="utf-8").split("\n")
    near = lines[max(0, line - 1):line] or [""]
    found = re.findall(r"mq_mutants::is\((\d+)\)", near[0])
    if not found:  # a statement of several lines: the switch stands above
        found = re.findall(r"mq_mutants::is\((\d+)\)", "\n".join(lines[max(0, line - 8):line + 2]))
    return {int(number) for number in found}


def refused(log):
    """Mutants that errors of the compiler name."""
    numbers = set()
    for block in re.split(r"(?m)^FAILED: ", log)[1:]:
        errors = re.findall(r"(?m)^(\S+?):(\d+):\d+: (?:fatal )?error:", block)
        places = errors + re.findall(r"(?m)^(\S+?):(\d+):\d+:\s+required from", block)
        for file, line in places:
            path = Path(file) if os.path.isabs(file) else BUILD / file
            if path.exists():
                numbers |= numbers_at(path, int(line))
    return numbers


def build(tree, draw, count, programs):
    """Numbered mutants that compile together: the first `count` of the draw that the compiler takes."""
    bad, started = set(), time.monotonic()
    while True:
        mutants = {number: mutant for number, mutant in list(enumerate(draw, 1))[:count + len(bad)] if number not in bad}
        write_tree(tree, mutants)
        configure()
        done = subprocess.run(["ninja", "-k", "0", "-C", BUILD, "-j", str(jobs), *programs], capture_output=True, text=True)
        if done.returncode == 0:
            say(f"built with {len(mutants)} mutants in {time.monotonic() - started:.0f} s; {len(bad)} of the draw do not compile")
            return mutants
        more = refused(done.stdout) - bad
        (WORK / "build.log").write_text(done.stdout)
        if not more:
            sys.exit(f"mutants.py: the build fails and no mutant is to blame; see {WORK / 'build.log'}")
        say(f"{len(more)} mutants do not compile and are drawn again")
        bad |= more


def run_once(program, number, seconds, chosen, *options):
    """killed, survived, how, and what was printed."""
    environment = os.environ | {"MQ_MUTANT": str(number)}
    try:
        done = subprocess.run([BUILD / "tests" / program, "--gtest_fail_fast", f"--gtest_filter={chosen}", *options], cwd=BUILD,
                              env=environment, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        failed = re.search(r"(?m)^\[  FAILED  \] (\S+)", done.stdout)
        by = failed.group(1) if failed else f"exit {done.returncode}"
        return ("survived" if done.returncode == 0 else "killed"), by, done.stdout
    except subprocess.TimeoutExpired:
        return "killed", "time", ""


class Program:
    """A program of tests: those that take long without a mutant run last."""

    def __init__(self, name):  # IsaObjects looks into objects of every instruction set, which this build leaves out
        started = time.monotonic()
        state, by, printed = run_once(name, 0, 900, "-*IsaObjects*")
        if state != "survived":
            sys.exit(f"mutants.py: {name} fails without any mutant ({by}); nothing can be said about mutants")
        self.name, self.limit = name, 60 + 5 * (time.monotonic() - started)
        slow = [test for test, ms in re.findall(r"(?m)^\[       OK \] (\S+) \((\d+) ms\)", printed) if int(ms) > SLOW_MS]
        self.parts = {False: "-*IsaObjects*:" + ":".join(slow), True: ":".join(slow)}

    def run(self, number, is_slow):
        if not self.parts[is_slow]:
            return "survived", "no test"
        return run_once(self.name, number, self.limit, self.parts[is_slow], "--gtest_brief=1")[:2]


def judged(mutant, number, programs, is_slow):
    for name in programs_of(mutant.path):
        state, by = programs[name].run(number, is_slow)
        if state == "killed":
            break
    return {"state": state, "by": by, "mutant": mutant.name()}


def programs_of(path):
    return next(programs for start, programs in PROGRAMS.items() if path.startswith(start))


def say(text):
    print(text, flush=True)


def tree_digest(tree):
    digest = hashlib.sha256()
    for path in sources(tree, ["core", "devices", "kernels", "crossbar", "training", "experiment", "tests"]):
        digest.update(path.encode() + tree[path])
    return digest.hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dirs", default=",".join(FOLDERS), help="folders, separated by commas")
    parser.add_argument("--sources", choices=["all", "cpp", "h"], default="all", help="headers are compiled into many files, which takes long")
    parser.add_argument("--files", type=int, default=0, help="draw so many files first, and statements of these: less to compile")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--only", default="", help="run these numbers of the draw alone")
    parser.add_argument("--list", action="store_true", help="show the draw and run nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers, then programs of tests, at a time")
    arguments = parser.parse_args()
    global jobs
    jobs = arguments.jobs
    os.chdir(ROOT)
    os.nice(10)

    tree = snapshot()
    draw, total = drawn(tree, arguments.dirs.split(","), arguments.seed, {"all": (".cpp", ".h"), "cpp": ".cpp", "h": ".h"}[arguments.sources])
    if arguments.files:  # those that the draw meets first: files are as likely as they have faults
        taken = list(dict.fromkeys(mutant.path for mutant in draw))[:arguments.files]
        draw = [mutant for mutant in draw if mutant.path in taken]
    say(f"{total} faults can be made, one in each of {len(draw)} statements")
    if arguments.list:
        for number, mutant in enumerate(draw[:arguments.count], 1):
            say(f"{number}: {mutant.name()}")
        return 0
    WORK.mkdir(parents=True, exist_ok=True)
    programs = sorted({program for mutant in draw[:2 * arguments.count] for program in programs_of(mutant.path)})
    mutants = build(tree, draw, arguments.count, programs)

    journal = WORK / "results.json"
    key = f"{tree_digest(tree)} {arguments.dirs} {arguments.sources} {arguments.files} {arguments.seed}"
    results = json.loads(journal.read_text()).get(key, {}) if journal.exists() and not arguments.again else {}
    resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))  # of the tests: mutants may ask for all there is
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chosen = [int(k) for k in arguments.only.split(",") if k] or sorted(mutants)
    missing = [number for number in chosen if str(number) not in results or arguments.only]
    results = {k: v for k, v in results.items() if int(k) not in missing}
    with ThreadPoolExecutor(jobs) as pool:
        of_name = dict(zip(programs, pool.map(Program, programs))) if missing else {}
        for is_slow in (False, True):  # quick tests of all mutants, then what takes long for those that are left
            left = [number for number in missing if results.get(str(number), {}).get("state") != "killed"]
            say(f"{'slow' if is_slow else 'quick'} tests of {len(left)} mutants")
            runs = {pool.submit(judged, mutants[number], number, of_name, is_slow): number for number in left}
            for ran, run in enumerate(as_completed(runs), 1):
                number, result = runs[run], run.result()
                if result["state"] == "survived" and not is_slow:
                    continue
                results[str(number)] = result
                journal.write_text(json.dumps({key: results}, indent=1))
                say(f"[{ran}/{len(left)}] {result['state']} by {result['by']}: {number}: {mutants[number].name()}")
    survivors = [number for number in chosen if results[str(number)]["state"] == "survived"]
    killed = len(chosen) - len(survivors)
    say(f"\n{killed} of {len(chosen)} were killed ({100.0 * killed / max(len(chosen), 1):.1f} %), seed {arguments.seed}")
    for number in survivors:
        say(f"survived: {number}: {mutants[number].name()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
