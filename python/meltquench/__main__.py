"""`python -m meltquench` is the command line `meltquench` that came with this package."""

import os
import shutil
import sys

if __name__ == "__main__":
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "meltquench")
    found = program if os.access(program, os.X_OK) else shutil.which("meltquench")
    if found is None:
        print("python -m meltquench needs the command line, but this package was built without it; build it with "
              "`cmake --build build/release`, or use the functions of the package: import meltquench; help(meltquench)",
              file=sys.stderr)
        sys.exit(3)
    os.execv(found, ["meltquench", *sys.argv[1:]])
