"""require_ran.py BUILD_DIR JUNIT_XML LABEL EXEMPT: fails unless ctest ran every test that carries LABEL.

A test that also carries EXEMPT (it needs a GPU) may be skipped where this machine shows none; it is named with the
reason that it gave.
"""

import json
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def labels_of_tests(build):
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, capture_output=True)
    for test in json.loads(listing.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        yield test["name"], properties.get("LABELS", [])


def reason_of(case):
    """What the test said when it skipped: GoogleTest writes it on the line after "FILE:LINE: Skipped"."""
    lines = (case.findtext("system-out") or "").splitlines()
    for line, following in zip(lines, lines[1:]):
        if line.rstrip().endswith(": Skipped"):
            return following.strip()
    for line in lines:
        if line.startswith("no CUDA device"):
            return line.strip()
    skipped = case.find("skipped")
    return "no reason given" if skipped is None else skipped.get("message", "no reason given")


def gpus(root=Path("/")):
    """What the kernel of this machine shows of NVIDIA GPUs, whatever a driver or CUDA_VISIBLE_DEVICES says of them."""
    return sorted(map(str, [*root.glob("proc/driver/nvidia/gpus/*"), *root.glob("dev/nvidia[0-9]*")]))


def main(build, junit, label, exempt):
    cases = {case.get("name"): case for case in xml.parse(junit).getroot().iter("testcase")}
    ran, skipped, not_run = [], [], []
    for name, labels in labels_of_tests(build):
        if label not in labels and exempt not in labels:
            continue
        case = cases.get(name)
        if case is not None and case.get("status") in ("run", "fail"):
            ran.append(name)
        elif exempt in labels:
            skipped.append(f"{name} ({'not started' if case is None else reason_of(case)})")
        else:
            not_run.append(name)
    for name in skipped:
        print(f"skipped, needs a {exempt}: {name}")
    if skipped and gpus():
        print(f"This machine has a GPU ({', '.join(gpus())}), so these must run; what they said stands behind their names.")
        return 1
    if not_run or not ran:
        print(f"CUDA is built, but these tests with the label '{label}' did not run: {', '.join(not_run) or 'there are none'}")
        return 1
    print(f"All {len(ran)} tests with the label '{label}' ran.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
