"""A small strict CloudWatch Logs for Docker's awslogs driver; each request's signature is checked with botocore's signer.

It knows the calls that the driver makes: CreateLogStream, PutLogEvents.
"""
import json

import signatures
import stand_in


class Logs(stand_in.StandIn):
    """Serves a listening socket. `keys`: {access key: (secret, token)}; `streams`: {(group, stream): [text]};
    `by`: the access key of each call."""

    def __init__(self, listener, keys, region="us-west-2"):
        self.keys, self.region = dict(keys), region
        self.streams, self.by, self.violations = {}, [], []
        super().__init__(listener)

    def answer(self, request):
        headers = {k.lower(): v for k, v in request.headers.items()}
        body = request.rfile.read(int(headers["content-length"]))
        try:
            self.by.append(signatures.check_signature(
                self.keys, self.region, "POST", headers["host"], request.path, headers, body,
                ["host", "x-amz-date", "x-amz-target"], service="logs"))
        except signatures.BadSignature as e:
            self.violations.append(str(e))
            return self.tell(request, 400, {"__type": e.code, "message": str(e)})
        call = json.loads(body)
        operation = headers["x-amz-target"].rpartition(".")[2]
        stream = call.get("logGroupName"), call.get("logStreamName")
        if operation == "CreateLogStream":
            self.streams.setdefault(stream, [])
            return self.tell(request, 200, {})
        if operation == "PutLogEvents" and stream in self.streams:
            self.streams[stream] += [event["message"] for event in call["logEvents"]]
            return self.tell(request, 200, {"nextSequenceToken": str(len(self.streams[stream]))})
        return self.tell(request, 400, {"__type": "ResourceNotFoundException", "message": operation})

    def tell(self, request, status, answer):
        self.send(request, status, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"})
