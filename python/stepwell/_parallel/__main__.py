"""The process that a driver starts: a worker, or the planner."""

from __future__ import annotations

import sys
from typing import List

from stepwell._parallel._wire import Connection, Invitation

# The driver takes the end of the connection for the end of the process, so it must stay open until
# what is sent at exit, such as metrics, has been sent.
_OPEN: List[Connection] = []


def main() -> int:
    """Do what the driver says until it says no more."""
    invitation = Invitation.taken()
    connection = Connection(invitation)
    _OPEN.append(connection)
    job = connection.welcome()
    if invitation.worker == "planner":
        from stepwell._parallel import _planner

        return _planner.work(connection, job)
    from stepwell._parallel import _worker

    return _worker.work(connection, job)


if __name__ == "__main__":
    sys.exit(main())
