"""What frames and series of pandas had until 2.0, given back to the scripts that ask for it.

`sitecustomize` runs it when pandas has been loaded. What pandas has by itself stays.
"""


def give_back(pandas):
    """Put what is not there any more on the classes of this pandas."""
    for kind, name, method in (
        (pandas.DataFrame, "append", _append_to_frame),
        (pandas.DataFrame, "iteritems", _items),
        (pandas.Series, "append", _append_to_series),
        (pandas.Series, "iteritems", _items),
    ):
        if not hasattr(kind, name):
            setattr(kind, name, _OldMethod(pandas, kind, name, method))


class _OldMethod(object):
    """A method that is there, and says so once, unless a variable of the step forbids it."""

    def __init__(self, pandas, kind, name, method):
        self._pandas, self._kind, self._name, self._method = pandas, kind, name, method
        self._said = False

    def __get__(self, of, kind=None):
        import functools
        import os
        import sys

        # An interpreter that is loaded ahead has pandas before it has the step's variables.
        if os.environ.get("STEPWELL_OLD_PANDAS_NAMES") == "0":
            words = "type object {!r} has no attribute {!r}"
            raise AttributeError(words.format(self._kind.__name__, self._name))
        if not self._said:
            self._said = True
            words = "[stepwell] pandas {} has no `{}.{}`: it is done as before 2.0\n"
            release = self._pandas.__version__
            sys.stderr.write(words.format(release, self._kind.__name__, self._name))
        done = functools.partial(self._method, self._pandas)
        return done if of is None else functools.partial(done, of)


def _append_to_frame(pandas, self, other, ignore_index=False, verify_integrity=False, sort=False):
    rows = list(other) if isinstance(other, (list, tuple)) else [other]
    frames = [each for each in rows if isinstance(each, pandas.DataFrame)]
    if len(frames) < len(rows):
        if isinstance(other, dict) and not ignore_index:
            raise TypeError("Can only append a dict if ignore_index=True")
        if isinstance(other, pandas.Series) and other.name is None and not ignore_index:
            raise TypeError("Can only append a Series if ignore_index=True or if it has a name")
        frames = [pandas.DataFrame(rows).infer_objects()]
    # A frame without rows decides no type.
    whole = [self] if len(self) or not frames else []
    columns = self.columns if not whole else None
    made = pandas.concat(
        whole + frames, ignore_index=ignore_index, verify_integrity=verify_integrity, sort=sort
    )
    if columns is None:
        return made
    return made.reindex(columns=list(columns) + [each for each in made if each not in columns])


def _append_to_series(pandas, self, to_append, ignore_index=False, verify_integrity=False):
    others = list(to_append) if isinstance(to_append, (list, tuple)) else [to_append]
    return pandas.concat(
        [self] + others, ignore_index=ignore_index, verify_integrity=verify_integrity
    )


def _items(pandas, self):
    return self.items()
