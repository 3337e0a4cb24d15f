"""An order in which the nodes of a graph can run, or a circle that forbids one.

The order keeps to the one the nodes were added in wherever the edges allow it. Time grows with
nodes and edges; nothing recurses, so a chain may be as long as it likes.
"""

from __future__ import annotations

import heapq
from typing import Any, Dict, List, Sequence, Tuple


def in_order(nodes: Sequence[Any]) -> Tuple[List[Any], List[Any]]:
    """The nodes in an order that respects their edges, and the nodes of a circle, if any."""
    place = {node.node_id: index for index, node in enumerate(nodes)}
    waits_for = [_places(node, place) for node in nodes]
    waiting: List[int] = [len(earlier) for earlier in waits_for]
    followers: List[List[int]] = [[] for _ in nodes]
    for index, earlier in enumerate(waits_for):
        for each in earlier:
            followers[each].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    ordered: List[int] = []
    while ready:
        index = heapq.heappop(ready)
        ordered.append(index)
        for follower in followers[index]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    circle = [] if len(ordered) == len(nodes) else _circle(waits_for, set(ordered))
    return [nodes[index] for index in ordered], [nodes[index] for index in circle]


def _places(node: Any, place: Dict[str, int]) -> List[int]:
    """The places of the nodes that `node` waits for, each once."""
    found: Dict[int, None] = {}
    for port in node._inputs.values():
        edge = port.incoming_edge
        if edge is not None and edge.source_port.node.node_id in place:
            found[place[edge.source_port.node.node_id]] = None
    return list(found)


def _circle(waits_for: List[List[int]], done: Any) -> List[int]:
    """A circle among the nodes that could not run: going backwards must meet a node again."""
    index = next(each for each in range(len(waits_for)) if each not in done)
    path: Dict[int, None] = {}
    while index not in path:
        path[index] = None
        index = next(each for each in waits_for[index] if each not in done)
    met = list(path)
    return met[met.index(index) :][::-1]
