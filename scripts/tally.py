"""Adds up what the test runners of one stage say: `tally.py STATUS LOG` prints `PASSED FAILED`.

A stage without tests of its own (a linter, an installation) is one test. A stage that failed
without naming a failed test, as when it does not compile, has one failure.
"""

import re
import sys

status, path = int(sys.argv[1]), sys.argv[2]
with open(path, encoding="utf-8", errors="replace") as file:
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.read())

passed = failed = 0
for line in text.splitlines():
    cargo = re.match(r"test result: \w+\. (\d+) passed; (\d+) failed", line)
    if cargo:
        passed += int(cargo.group(1))
        failed += int(cargo.group(2))
    elif re.search(r"\d+ (passed|failed|errors?)\b.* in [\d.]+s", line):
        passed += sum(int(n) for n in re.findall(r"(\d+) passed", line))
        failed += sum(int(n) for n in re.findall(r"(\d+) (?:failed|errors?)", line))
if not passed and not failed:
    passed = 1 if status == 0 else 0
if status != 0 and not failed:
    failed = 1
print(passed, failed)
