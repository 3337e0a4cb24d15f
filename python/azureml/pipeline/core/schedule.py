"""Schedules; the names are there, they do not run pipelines yet."""

from __future__ import annotations

from azureml._later import Later

_SENTENCE = (
    "schedules are not there yet; start the program that submits the pipeline from cron meanwhile"
)


class Schedule(Later):
    """A pipeline that runs at given times, or when data changes; not there yet."""

    sentence = _SENTENCE


class ScheduleRecurrence(Later):
    """The times of a schedule; not there yet."""

    sentence = _SENTENCE


class TimeZone(Later):
    """The time zones of schedules; not there yet."""

    sentence = _SENTENCE
