"""`RunDetails`: a run, its steps and their states, kept up to date while it goes on.

In a notebook `show()` returns at once and the picture follows the run. On a terminal it draws a
table until the run is over. Where output goes to a file or a pipe it prints the table once: what
the steps print is the business of `wait_for_completion(show_output=True)`.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, Optional

from azureml.widgets import _html, _table, _view

if TYPE_CHECKING:
    from azureml.core.run import Run

REFRESH_S = 1.0


class RunDetails(object):
    """A view of a run.

    Example:
        >>> run = experiment.submit(pipeline)
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> RunDetails(run).show()
        examples  Completed  ...
          prepare  Completed  ...
          train    Completed  ...
    """

    def __new__(cls, run_instance: Run) -> RunDetails:
        """A view of `run_instance`; other things than runs are refused."""
        if not hasattr(run_instance, "get_portal_url"):
            from azureml.exceptions import UserErrorException

            raise UserErrorException(f"RunDetails shows a run, not a {type(run_instance).__name__}")
        return super().__new__(cls)

    def __init__(self, run_instance: Run) -> None:
        """A view of `run_instance`.

        Args:
            run_instance: The run.
        """
        self._run = run_instance

    def show(
        self, render_lib: Any = None, widget_settings: Optional[Dict[str, Any]] = None
    ) -> None:
        """Show the run.

        Args:
            render_lib: In a notebook, the function that shows an object instead of `display`.
            widget_settings: Accepted; there is nothing to set.
        """
        if _in_notebook():
            self._show_html(render_lib)
        elif sys.stdout.isatty():
            self._show_live()
        else:
            print(_table.drawn(_view.look(self._run)), flush=True)

    def get_widget_data(self, widget_settings: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """What is shown, as a dictionary.

        Args:
            widget_settings: Accepted; there is nothing to set.

        Returns:
            Among others `status`, `run_id` and, for each step, an entry of `child_runs`.
        """
        view = _view.look(self._run)
        return {
            "status": view.status,
            "workbench_run_details_uri": view.page,
            "run_id": view.run_id,
            "run_properties": self._run.get_details(),
            "child_runs": [row._asdict() for row in view.rows],
        }

    def _show_live(self) -> None:
        painted = 0
        while True:
            view = _view.look(self._run)
            text = _table.drawn(view)
            # Go back over the table that stands there, and clear what is below.
            sys.stdout.write(f"\x1b[{painted}F\x1b[J" if painted else "")
            print(text, flush=True)
            if view.over:
                return
            painted = text.count("\n") + 1
            time.sleep(REFRESH_S)

    def _show_html(self, render_lib: Any) -> None:
        from IPython.display import HTML, display

        view = _view.look(self._run, picture=True)
        if render_lib is not None:
            render_lib(HTML(_html.page(view)))
            return
        handle = display(HTML(_html.page(view)), display_id=True)
        if not view.over and handle is not None:
            threading.Thread(target=self._keep_html, args=(handle,), daemon=True).start()

    def _keep_html(self, handle: Any) -> None:
        from IPython.display import HTML

        from stepwell.errors import StepwellError

        while True:
            time.sleep(REFRESH_S)
            try:
                view = _view.look(self._run, picture=True)
            except StepwellError:
                return  # the last picture stays; asking the run itself says what is wrong
            handle.update(HTML(_html.page(view)))
            if view.over:
                return


def _in_notebook() -> bool:
    """Whether this is a notebook's kernel rather than a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"
