"""The libraries of a step on Spark in the shape of Databricks' API."""

from __future__ import annotations

from typing import Any, Dict, List

from azureml.core import databricks

Wire = Dict[str, Any]


def wire_libraries(step: str, section: Any) -> List[Wire]:
    """The libraries of a section `databricks`; none when there is no section.

    Raises:
        ValueError: An element of a list is of another class.
    """
    if section is None:
        return []
    found: List[Wire] = []
    for each in _checked(step, "pypi_libraries", section, databricks.PyPiLibrary):
        found.append({"pypi": {"package": each.package, "repo": each.repo}})
    for each in _checked(step, "maven_libraries", section, databricks.MavenLibrary):
        found.append(
            {
                "maven": {
                    "coordinates": each.coordinates,
                    "repo": each.repo,
                    "exclusions": list(each.exclusions or []),
                }
            }
        )
    for each in _checked(step, "rcran_libraries", section, databricks.RCranLibrary):
        found.append({"cran": {"package": each.package, "repo": each.repo}})
    for each in _checked(step, "jar_libraries", section, databricks.JarLibrary):
        found.append({"jar": each.library})
    for each in _checked(step, "egg_libraries", section, databricks.EggLibrary):
        found.append({"egg": each.library})
    return found


def _checked(step: str, name: str, section: Any, kind: Any) -> List[Any]:
    listed = list(getattr(section, name, None) or [])
    for each in listed:
        if not isinstance(each, kind):
            raise ValueError(
                f"an element of {name} of step `{step}` is a {type(each).__name__}; pass a "
                f"{kind.__name__}"
            )
    return listed
