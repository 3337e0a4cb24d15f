"""What pandas had until 2.0 or 3.0, given back to the scripts that ask for it.

`sitecustomize` runs it when pandas has been loaded. What pandas has by itself stays: an argument is
read here only where it is not one of pandas' own, and a computation is done anew only where pandas
refuses it. `STEPWELL_OLD_PANDAS_NAMES=0` leaves pandas as it is.
"""

# Arguments that could stand without their names, in their order.
_ORDERS = {
    "drop": "labels axis index columns level inplace errors",
    "dropna": "axis how thresh subset inplace",
    "fillna": "value method axis inplace limit",
    "reset_index": "level drop inplace",
    "set_index": "keys drop append inplace",
    "sort_values": "by axis ascending inplace kind na_position",
    "read_csv": "filepath_or_buffer sep delimiter header names index_col usecols",
    "to_csv": "path_or_buf sep na_rep float_format columns header index",
    "to_datetime": "arg errors dayfirst yearfirst utc format",
}
# What leaves out columns that are no numbers, as all of them did where one could not be computed.
_OF_NUMBERS = "corr cov kurt mean median quantile sem skew std var"


def give_back(pandas):
    """Put what is not there any more on the classes of this pandas."""
    frame, series = pandas.DataFrame, pandas.Series
    for kind, name, method in (
        (frame, "append", _append_to_frame),
        (frame, "applymap", _apply_to_each),
        (frame, "as_matrix", _matrix),
        (frame, "get_value", _value),
        (frame, "iteritems", _items),
        (frame, "mad", _mean_deviation),
        (series, "append", _append_to_series),
        (series, "as_matrix", _matrix),
        (series, "iteritems", _items),
        (series, "mad", _mean_deviation),
    ):
        if not hasattr(kind, name):
            setattr(kind, name, _OldMethod(pandas, kind, name, method))
    for name in _ORDERS:
        for holder in {_defining(frame, name), _defining(series, name), pandas}:
            if callable(vars(holder).get(name)):
                _take_again(pandas, holder, name)
    groups = pandas.core.groupby.DataFrameGroupBy
    for name in _OF_NUMBERS.split():
        for kind in {_defining(frame, name), _defining(groups, name)}:
            if callable(vars(kind).get(name)):
                _leave_texts(pandas, kind, name)
    _name_modules(pandas)


def _defining(kind, name):
    """The class that a method of `kind` is defined in."""
    return next((each for each in kind.__mro__ if name in vars(each)), kind)


def _forbidden():
    # An interpreter that is loaded ahead has pandas before it has the step's variables.
    import os

    return os.environ.get("STEPWELL_OLD_PANDAS_NAMES") == "0"


_said = set()


def _say(pandas, gone, instead="it is done as before 2.0"):
    import sys

    if gone not in _said:
        _said.add(gone)
        words = "[stepwell] pandas {} has no `{}`: {}\n"
        sys.stderr.write(words.format(pandas.__version__, gone, instead))


def _take_again(pandas, holder, name):
    """Have a method or function take the arguments that it took."""
    import functools
    import inspect

    own = vars(holder).get(name)
    parameters = list(inspect.signature(own).parameters.values())
    known = {each.name for each in parameters}
    bound = 0 if holder is pandas else 1
    may_stand = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    order = _ORDERS[name].split()

    @functools.wraps(own)
    def call(*args, **keywords):
        extra = args[len(may_stand) :]
        old = any(each not in known for each in keywords)
        if _forbidden() or not (extra or old):
            return own(*args, **keywords)
        names = order[len(may_stand) - bound :]
        if len(extra) > len(names):
            return own(*args, **keywords)
        given = dict(zip(names, extra))
        given.update(keywords)
        changed = _REPLACED.get(name, _same)(args[: len(may_stand)], given, known)
        if changed is None:
            return own(*args, **keywords)
        gone = sorted({*names[: len(extra)], *(each for each in keywords if each not in known)})
        _say(pandas, "{}({})".format(name, ", ".join(gone)))
        done, rest, after = changed
        return after((done or own)(*args[: len(may_stand)], **rest))

    if holder is pandas:
        # It is pickled, for a pool of processes, by the name where it is found.
        call.__module__, call.__qualname__ = pandas.__name__, name
    setattr(holder, name, call)


def _as_it_is(value):
    return value


def _same(args, given, known):
    return (None, given, _as_it_is) if set(given) <= known else None


def _filled(args, given, known):
    method = given.pop("method", None)
    if method is None or given.pop("value", None) is not None or len(args) > 1:
        return None if method is not None else _same(args, given, known)
    fill = type(args[0]).ffill if method in ("ffill", "pad") else type(args[0]).bfill
    return fill, given, _as_it_is


def _read(args, given, known):
    after = _as_it_is
    if given.pop("squeeze", False):

        def after(frame):
            return frame.squeeze("columns")

    if "error_bad_lines" in given or "warn_bad_lines" in given:
        bad, warn = given.pop("error_bad_lines", True), given.pop("warn_bad_lines", True)
        given["on_bad_lines"] = "error" if bad else "warn" if warn else "skip"
    if given.pop("delim_whitespace", False):
        given["sep"] = r"\s+"
    given.pop("infer_datetime_format", None)
    return (None, given, after) if set(given) <= known else None


def _written(args, given, known):
    if "line_terminator" in given:
        given["lineterminator"] = given.pop("line_terminator")
    return _same(args, given, known)


def _dated(args, given, known):
    given.pop("infer_datetime_format", None)
    return _same(args, given, known)


_REPLACED = {"fillna": _filled, "read_csv": _read, "to_csv": _written, "to_datetime": _dated}


def _leave_texts(pandas, kind, name):
    """Have a reduction leave out columns that are no numbers where it cannot be done with them."""
    import functools

    own = vars(kind)[name]

    @functools.wraps(own)
    def call(self, *args, **keywords):
        if "numeric_only" in keywords or _forbidden():
            return own(self, *args, **keywords)
        try:
            return own(self, *args, **keywords)
        except (TypeError, ValueError):
            try:
                done = own(self, *args, numeric_only=True, **keywords)
            except (TypeError, ValueError):
                done = None
            if done is None:
                raise
            what = "{}.{}() of columns that are no numbers".format(kind.__name__, name)
            _say(pandas, what, "they are left out, as before 2.0")
            return done

    setattr(kind, name, call)


def _name_modules(pandas):
    """Answer for `pd.np` and `pd.datetime`."""
    asked = vars(pandas).get("__getattr__")

    def find(name):
        if name not in ("np", "datetime") or _forbidden():
            if asked is not None:
                return asked(name)
            raise AttributeError("module 'pandas' has no attribute {!r}".format(name))
        import datetime

        import numpy

        _say(pandas, "pd." + name, "it is done as before 1.0")
        return numpy if name == "np" else datetime.datetime

    pandas.__getattr__ = find


def _apply_to_each(pandas, self, func, na_action=None, **keywords):
    return self.map(func, na_action=na_action, **keywords)


def _matrix(pandas, self, columns=None):
    return (self if columns is None else self[columns]).to_numpy()


def _value(pandas, self, index, col):
    return self.at[index, col]


def _mean_deviation(pandas, self, axis=0, skipna=True):
    if self.ndim == 1:
        return (self - self.mean(skipna=skipna)).abs().mean(skipna=skipna)
    numbers = self.select_dtypes("number")
    middle = numbers.mean(axis=axis, skipna=skipna)
    return numbers.sub(middle, axis=1 - axis).abs().mean(axis=axis, skipna=skipna)


class _OldMethod(object):
    """A method that is there, and says so once, unless a variable of the step forbids it."""

    def __init__(self, pandas, kind, name, method):
        self._pandas, self._kind, self._name, self._method = pandas, kind, name, method

    def __get__(self, of, kind=None):
        import functools

        if _forbidden():
            words = "type object {!r} has no attribute {!r}"
            raise AttributeError(words.format(self._kind.__name__, self._name))
        _say(self._pandas, "{}.{}".format(self._kind.__name__, self._name))
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
