"""`python -m meltquench` is the command line `meltquench`, where that is installed."""

import os
import shutil
import sys

if __name__ == "__main__":
    program = shutil.which("meltquench")
    if program is None:
        print("python -m meltquench needs the command line, and no program 'meltquench' is on PATH; build and install it "
              "with `cmake --install`, or use the functions of the package: import meltquench; help(meltquench)",
              file=sys.stderr)
        sys.exit(3)
    os.execv(program, [program, *sys.argv[1:]])
