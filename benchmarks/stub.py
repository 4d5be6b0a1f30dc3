"""A provider that knows every authentication, to which nothing ever happens.

`python -m benchmarks.stub SECONDS` tells its port on standard output, and takes so long for
each answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep


class Provider(BaseHTTPRequestHandler):
    """Answers on connections that stay open."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer
    seconds = 0.0

    def do_GET(self) -> None:
        """Answer with an authentication in flight."""
        sleep(self.seconds)
        body = json.dumps(
            {
                "id": self.path.rpartition("/")[2],
                "status": "capture_in_progress",
                "applicant_id": "aplt_" + "a" * 26,
                "user_journey_id": "usj_" + "a" * 26,
                "response_codes": [],
                "risk_labels": [],
                "created_on": "2026-03-02T12:00:00.000000Z",
                "modified_on": "2026-03-02T12:00:01.000000Z",
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def running(seconds: float) -> Iterator[str]:
    """Run a provider in a process of its own; gives its address."""
    command = [sys.executable, "-m", "benchmarks.stub", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


if __name__ == "__main__":
    Provider.seconds = float(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
