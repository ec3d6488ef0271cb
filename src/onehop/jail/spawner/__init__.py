"""The spawner: one single-threaded process that starts confined children.

It is run by ``_launcher``, with a control socket as its standard output and the host's pid as its
argument, and imports the standard library only. The plan comes as JSON on standard input (see
``_plan.Plan``); requests come as JSON datagrams on the control socket, each with a number "seq"
that its answer carries too:

    {"op": "spawn", "id": 7, "program": "worker", "heap": 128} with three descriptors (the child's
    0, 1, 2)
        → {"id": 7} with one descriptor, a pidfd, once the child is confined;
        or {"id": 7, "error": "…"}, with "layer" when one could not be put on or did not hold
    {"op": "program", "id": 8, "program": "checker"} with a descriptor of its command line as JSON,
        for a program that the plan did not have → {"id": 8}
    {"op": "limit", "id": 7, "limits": [[resource, value], …]} → {"id": 7}, or with "error"
    {"op": "reap", "id": 7}  after the pidfd says that the child is gone
        → {"id": 7, "status": wait status, "cpu": seconds, "maxrss": kilobytes}
    {"op": "release", "id": 7}  the same, but nobody wants to know: no answer
    {"op": "drop", "id": 7}  end a child that the host could not take: no answer

An answer's "note" is for the log, if it is not empty. A child is reaped only when the host asks,
so a pid that the host holds is never used again for something else. When the host goes away,
however it goes, every child is killed.
"""
