"""The program of a worker of a parallel step that is a fork of a loaded interpreter.

It is what `python -m stepwell._parallel` is: the working directory comes first on `sys.path`.
"""

import os
import sys

if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd()
    from stepwell._parallel.__main__ import main

    sys.exit(main())
