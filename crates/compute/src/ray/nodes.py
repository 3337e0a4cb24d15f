"""Several nodes of a Ray cluster for one step.

`python nodes.py reserve REQUEST` is the entry point of the step's job. It reserves the nodes, all
at once or none, has the first one run the step's supervisor, and ends as that does. The request:

    {"name": "...", "nodes": 2, "each": {"CPU": 4, ...},
     "supervisor": [PROGRAM, ARGUMENTS...], "sweep": [PROGRAM, ARGUMENTS...]}

`python nodes.py on SOCKET NODE PROGRAM ARGUMENTS...` is what the supervisor's launcher starts for
each process of the step: it has a node run the program, and ends as that does. A request to stop is
passed on, and its own death is one.

The working folder is that of the attempt, which all nodes see.

Invariant: the nodes are reserved for as long as the job runs, and what they run ends before that or
is asked to stop then.
"""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from contextlib import suppress
from functools import partial

# What the supervisor's launcher reads: how a process is started on a node, and where the nodes are.
VARIABLE = "STEPWELL_NODES"

# Files of the attempt: this one, what those print that carry the step's processes, and what the job
# prints.
SCRIPT = "nodes.py"
LAUNCH_LOG = "launch.log"
JOB_LOG = "ray.log"
NODES = "nodes"
CLAIM = "claim.json"

# The word that stands for the number of the process that starts a program on its node.
PARENT = "{parent}"

# The key of the supervisor among what the first node runs.
SUPERVISOR = "supervisor"

# The exit statuses that say what became of the nodes.
LOST = 75
NO_RAY = 78
NOT_STARTED = 70

# Has Ray leave what a process of its own has started when that ends: it stops by itself, with all that
# it has started.
LEAVE = "RAY_kill_child_processes_on_worker_exit"

# What Ray tells its workers, and what is no business of the step's.
OF_WORKERS = ("RAY_JOB_ID", "RAY_RAYLET_PID", "PYTHONBREAKPOINT", LEAVE)

# How often a request to stop is looked for, in seconds.
LOOK = 0.2

# How long nodes may take to end what they run when the first one is gone, in seconds.
CLOSE_WITHIN = 30

# How many calls of a node there may be at once: each of its processes is one.
CALLS_MAX = 10_000

# The longest message between the launcher and the first node, in bytes.
MESSAGE_MAX = 1 << 24


class Node:
    """What runs on a node: a Ray actor that has all that is reserved there."""

    def __init__(self, folder, cluster):
        self.folder = folder
        self.variables = {k: v for k, v in os.environ.items() if k not in OF_WORKERS}
        self.variables["RAY_ADDRESS"] = cluster
        self.running = {}
        self.asked = set()

    async def place(self):
        """Ray's id of the node."""
        import ray

        return ray.get_runtime_context().get_node_id()

    async def run(self, key, argv, variables=None, folder=None, log=LAUNCH_LOG):
        """Runs one of Stepwell's programs and gives its exit status, or -N for signal N."""
        words = [str(os.getpid()) if word == PARENT else word for word in argv]
        with open(os.path.join(self.folder, log), "ab") as file:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=file,
                cwd=folder or self.folder,
                env={**self.variables, **(variables or {})},
                # Ray kills the group of a process of its own that ends.
                start_new_session=True,
            )
        self.running[key] = process
        if key in self.asked:
            ask_to_stop(process)
        try:
            return await process.wait()
        finally:
            del self.running[key]

    async def stop(self, key):
        """Asks a program to stop, now or as soon as it runs."""
        self.asked.add(key)
        if key in self.running:
            ask_to_stop(self.running[key])

    async def close(self):
        """Asks all to stop, and waits until they have."""
        left = list(self.running.values())
        for process in left:
            ask_to_stop(process)
        for process in left:
            await process.wait()

    async def supervise(self, argv, nodes, places):
        """Runs the step's supervisor, whose launcher has the nodes run the step's processes."""
        # Nobody else may connect to what is in it.
        place = tempfile.mkdtemp(prefix="stepwell-nodes-")
        path = os.path.join(place, "socket")
        server = await asyncio.start_unix_server(partial(serve_one, nodes), path, limit=MESSAGE_MAX)
        on = [sys.executable, "-I", "-S", os.path.join(self.folder, SCRIPT), "on", path]
        variables = {VARIABLE: json.dumps({"on": on, **places})}
        try:
            return await self.run(SUPERVISOR, argv, variables, log=JOB_LOG)
        finally:
            server.close()
            shutil.rmtree(place, ignore_errors=True)


def ask_to_stop(process):
    """It may have ended just now."""
    with suppress(ProcessLookupError):
        process.terminate()


async def serve_one(nodes, reader, writer):
    """Has a node run what one process of the launcher's asks for, and answers how that ended."""
    from ray.exceptions import RayActorError, RaySystemError

    asked = json.loads(await reader.readline())
    node, key = nodes[asked["node"]], uuid.uuid4().hex
    running = node.run.remote(key, asked["argv"], asked["variables"], asked["folder"])
    listening = asyncio.ensure_future(pass_on(reader, node, key))
    try:
        answer = {"status": await running}
    except (RayActorError, RaySystemError) as error:
        answer = {"lost": gist(error)}
    except Exception as error:
        answer = {"refused": gist(error)}
    listening.cancel()
    writer.write(json.dumps(answer).encode() + b"\n")
    writer.close()


async def pass_on(reader, node, key):
    """Passes on each request to stop. The end of whoever asks is one."""
    while await reader.readline():
        node.stop.remote(key)
    node.stop.remote(key)


def gist(error):
    """What an error says; of an actor that is gone, Ray says why in the last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:500] if lines else type(error).__name__


class Stopped(Exception):
    """The job was asked to stop before the step began."""


class Job:
    """The entry point: from the reservation of the nodes to the end of the supervisor."""

    def __init__(self, request):
        self.request = request
        self.folder = os.getcwd()
        self.is_asked = False

    def run(self):
        """Gives the exit status."""
        import ray

        ray.init(log_to_driver=False, logging_level=logging.ERROR)
        # Ray has one of its own.
        signal.signal(signal.SIGTERM, self.ask)
        bundles = [self.request["each"]] * self.request["nodes"]
        group = ray.util.placement_group(bundles, "STRICT_SPREAD", name=self.request["name"])
        try:
            while not group.wait(LOOK):
                self.look()
            return self.supervise(self.start_nodes(group))
        except Stopped:
            return 128 + signal.SIGTERM
        finally:
            ray.util.remove_placement_group(group)

    def ask(self, *_):
        self.is_asked = True

    def look(self):
        if self.is_asked:
            raise Stopped

    def start_nodes(self, group):
        """The actors, one on each node."""
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        own = dict(self.request["each"])
        options = {
            "num_cpus": own.pop("CPU"),
            "num_gpus": own.pop("GPU", 0),
            "memory": own.pop("memory", None),
            "runtime_env": {"env_vars": {LEAVE: "0"}},
        }
        cluster = os.environ.get("RAY_ADDRESS", "auto")
        nodes = []
        for index in range(self.request["nodes"]):
            place = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=index)
            actor = ray.remote(Node).options(
                scheduling_strategy=place, resources=own, max_concurrency=CALLS_MAX, **options
            )
            nodes.append(actor.remote(self.folder, cluster))
        return nodes

    def supervise(self, nodes):
        """Runs the supervisor on the first node until it ends, and gives its exit status."""
        import ray

        try:
            ids = self.result([node.place.remote() for node in nodes], self.look)
            places = self.places(ids)
            supervisor = nodes[0].supervise.remote(self.request["supervisor"], nodes, places)
            (status,) = self.result([supervisor], partial(self.pass_on, nodes[0]))
        except ray.exceptions.RayActorError as error:
            print("a node of the step was lost:", gist(error), file=sys.stderr)
            self.close(nodes)
            return LOST
        if status < 0:
            # What it has left is killed.
            sweep = [node.run.remote("sweep", self.request["sweep"]) for node in nodes]
            ray.wait(sweep, num_returns=len(sweep), timeout=CLOSE_WITHIN)
            return 128 - status
        return status

    def places(self, ids):
        """What the nodes are and have; their names are noted down."""
        import ray

        known = {node["NodeID"]: node for node in ray.nodes()}
        names = [known[each]["NodeManagerHostname"] for each in ids]
        if not os.path.exists(CLAIM):
            with open(NODES, "w") as file:
                print(",".join(names), file=file)
        # The addresses by which Ray reaches them.
        addresses = [known[each]["NodeManagerAddress"] for each in ids]
        nodes = [{"name": n, "address": a} for n, a in zip(names, addresses)]
        return {"nodes": nodes, "cores": int(self.request["each"]["CPU"])}

    def pass_on(self, first):
        if self.is_asked:
            self.is_asked = False
            first.stop.remote(SUPERVISOR)

    def result(self, awaited, look):
        """What the calls give, while it is looked for requests to stop."""
        import ray

        while True:
            ready, left = ray.wait(awaited, num_returns=len(awaited), timeout=LOOK)
            if not left:
                return ray.get(ready)
            look()

    def close(self, nodes):
        """Has the nodes that are left end what they run."""
        import ray

        closed = [node.close.remote() for node in nodes[1:]]
        if closed:
            ray.wait(closed, num_returns=len(closed), timeout=CLOSE_WITHIN)


def run_on(path, node, *argv):
    """Has a node run a program, and gives its exit status; a signal is shown as a shell does."""
    variables = {k: v for k, v in os.environ.items() if k.startswith("STEPWELL_") and k != VARIABLE}
    with socket.socket(socket.AF_UNIX) as place:
        place.connect(path)
        request = {"node": int(node), "argv": argv, "variables": variables}
        request["folder"] = os.getcwd()
        place.sendall(json.dumps(request).encode() + b"\n")
        signal.signal(signal.SIGTERM, partial(pass_on_stop, place))
        said = ""
        with place.makefile() as lines, suppress(OSError):
            said = lines.readline()
    answer = json.loads(said) if said else {"lost": "the first node is gone, which had to ask it"}
    if "status" in answer:
        status = answer["status"]
        return status if status >= 0 else 128 - status
    if "lost" in answer:
        print(f"node {node} was lost: {answer['lost']}", file=sys.stderr)
        return LOST
    print(f"node {node} could not start a process: {answer['refused']}", file=sys.stderr)
    return NOT_STARTED


def pass_on_stop(place, *_):
    """It may be over."""
    with suppress(OSError):
        place.sendall(b"stop\n")


def main(command, *arguments):
    if command == "on":
        return run_on(*arguments)
    try:
        import ray  # noqa: F401
    except ImportError as error:
        print(f"{sys.executable} has no Ray: {error}", file=sys.stderr)
        return NO_RAY
    return Job(json.loads(arguments[0])).run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
