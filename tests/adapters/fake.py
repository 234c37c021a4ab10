"""An adapter that breaks the protocol in the way its argument names; `honest` breaks nothing.

It holds no client: it answers what it is asked, so that what the harness makes of a broken adapter can be tested
alone. Must not know how the harness judges.
"""

import json
import os
import subprocess
import sys
import time

MODE = sys.argv[1]


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def now():
    return time.time() * 1000.0


def answer(request, result):
    say({"jsonrpc": "2.0", "id": request["id"], "result": result})


def refuse(request, code, message, data):
    say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}})


def notify(method, **params):
    say({"jsonrpc": "2.0", "method": method, "params": params})


def hello():
    return {
        "protocol": 99 if MODE == "wrong-version" else 1,
        "name": "fake",
        "version": "1.0.0",
        "library": {"name": "none", "version": "0"},
        "systems": ["digitwin"],
        "actions": ["connect", "disconnect"],
        "exposes": ["states", "events", "tokens", "logs"],
        "declarations": {},
        "max_sessions": 64,
    }


def misbehave(session):
    """What happens when the first action of a session arrives."""
    if MODE == "crash":
        sys.stderr.write("Segmentation fault, or so it says\n")
        sys.stderr.flush()
        os._exit(139)
    if MODE == "crash-with-child":
        # A process that would outlive its parent if nobody ended the group; its id goes to a file for the test.
        child = subprocess.Popen(["sleep", "600"])
        with open(os.environ["FAKE_CHILD_FILE"], "a", encoding="ascii") as file:
            file.write(f"{child.pid}\n")
        os._exit(1)
    if MODE == "hang":
        time.sleep(36000)
    if MODE == "flood":
        while True:
            notify("log", session=session, at=now(), level="info", message="x", fields={})
    if MODE == "heavy-flood":
        while True:
            notify("log", session=session, at=now(), level="info", message="x" * 1_000_000, fields={})
    if MODE == "late-flood":
        while True:
            notify("late", at=now(), by=1)
    if MODE == "long-line":
        sys.stdout.write("x" * (2 * 1024 * 1024))
        sys.stdout.flush()
    if MODE == "rubbish":
        print("warning: this is not JSON", flush=True)
    if MODE == "endless-rubbish":
        while True:
            print("warning: this is not JSON", flush=True)
    if MODE == "wrong-session":
        notify("state", session="nobody", at=now(), **{"from": "disconnected", "to": "connecting"})
    if MODE == "wrong-id":
        say({"jsonrpc": "2.0", "id": 123456, "result": {}})
    if MODE == "late":
        notify("late", at=now(), by=60000)


def handle(request):
    method, params = request["method"], request["params"]
    if method == "initialize":
        if MODE == "dies-at-once":
            sys.exit(7)
        answer(request, hello())
    elif method == "open":
        answer(request, {})
    elif method == "act":
        misbehave(params["session"])
        if params["action"] in ("connect", "disconnect"):
            answer(request, {"value": None})
        else:
            refuse(request, -32001, "not supported", {"action": params["action"]})
        if params["action"] == "connect":
            notify("state", session=params["session"], at=now(), **{"from": "disconnected", "to": "connecting"})
    elif method == "close":
        answer(request, {"sockets": 0, "timers": 0})


for line in sys.stdin:
    handle(json.loads(line))
