"""A small strict CloudWatch Logs for Docker's awslogs driver; each request's signature is checked with botocore's signer.

It knows the calls that the driver makes: CreateLogStream, PutLogEvents, CreateLogGroup.
"""
import http.server
import json
import threading

import plain_plane


class Logs:
    """Serves a listening socket. `keys`: {access key: (secret, token)}; `streams`: {(group, stream): [text]};
    `by`: the access key of each call."""

    def __init__(self, listener, keys, region="us-west-2"):
        self.keys, self.region = dict(keys), region
        self.streams, self.by, self.violations = {}, [], []
        logs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                logs.answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = listener
        self.base = "http://127.0.0.1:%d" % listener.getsockname()[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def answer(self, request):
        headers = {k.lower(): v for k, v in request.headers.items()}
        body = request.rfile.read(int(headers["content-length"]))
        try:
            self.by.append(plain_plane.check_signature(
                self.keys, self.region, "POST", headers["host"], request.path, headers, body,
                ["host", "x-amz-date", "x-amz-target"], service="logs"))
        except plain_plane.BadSignature as e:
            self.violations.append(str(e))
            return self.send(request, 400, {"__type": e.code, "message": str(e)})
        call = json.loads(body)
        operation = headers["x-amz-target"].rpartition(".")[2]
        stream = call.get("logGroupName"), call.get("logStreamName")
        if operation == "CreateLogStream":
            self.streams.setdefault(stream, [])
            return self.send(request, 200, {})
        if operation == "PutLogEvents" and stream in self.streams:
            self.streams[stream] += [event["message"] for event in call["logEvents"]]
            return self.send(request, 200, {"nextSequenceToken": str(len(self.streams[stream]))})
        return self.send(request, 400, {"__type": "ResourceNotFoundException", "message": operation})

    @staticmethod
    def send(request, status, answer):
        body = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/x-amz-json-1.1")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
