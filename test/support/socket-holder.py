"""Does what systemd does for a socket unit: holds a listening socket, and starts a program with it (sd_listen_fds(3)).

Usage: socket-holder.py PORT PROGRAM ARGUMENT...; SIGUSR1 ends the program and starts it again, SIGTERM ends both.
"""

import os
import signal
import socket
import sys

SIGNALS = {signal.SIGUSR1, signal.SIGTERM}
FIRST = 3


def start(program):
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.execvpe(program[0], program, {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
    return child


def end(child):
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    print("ended", os.waitstatus_to_exitcode(status), flush=True)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=511)
if listener.fileno() != FIRST:
    os.dup2(listener.fileno(), FIRST)
os.set_inheritable(FIRST, True)
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
child = start(sys.argv[2:])
while signal.sigwait(SIGNALS) == signal.SIGUSR1:
    end(child)
    child = start(sys.argv[2:])
end(child)
