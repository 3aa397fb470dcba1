"""Runs ``varstore`` for the tests: each command a process of its own, forked from one that has loaded everything.

A command that starts from nothing spends a while on its imports. This process has no thread of its own, so that a
fork of it is a fresh process. A line of JSON in (arguments, environment, folder, output, errors), a line out (status).
"""

import json
import os
import sys

import varstore.changes.adding
import varstore.cli.main
import varstore.codec.counting
import varstore.ingest.importer
import varstore.query.union_count


def run(request):
    """Be the process of one command, from here to its end."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for descriptor, path in enumerate([os.devnull, request["output"], request["errors"]]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    # The text layers of this process: what they had buffered is their parent's.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(i, "r" if i == 0 else "w", closefd=False) for i in range(3))
    sys.argv = ["varstore", *request["arguments"]]
    status = 0
    try:
        varstore.cli.main.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def main():
    """Serve until the input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
