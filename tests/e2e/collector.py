"""A collector of traces: takes OTLP over HTTP and decodes it with protobuf's own library.

The messages are described here as opentelemetry-proto has them, as far as Weir writes them; what
is not described shows up as an unknown field and fails the test.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import MessageFactory

from weir_process import PATIENCE

TEXT, BYTES, BOOL, INT64, DOUBLE, FIXED64, UINT32, MESSAGE = 9, 12, 8, 3, 1, 6, 13, 11
ONE, MANY = 1, 3

MESSAGES = {
    "AnyValue": [("string_value", 1, TEXT), ("bool_value", 2, BOOL), ("int_value", 3, INT64),
                 ("double_value", 4, DOUBLE)],
    "KeyValue": [("key", 1, TEXT), ("value", 2, "AnyValue")],
    "Resource": [("attributes", 1, ["KeyValue"])],
    "Scope": [("name", 1, TEXT), ("version", 2, TEXT)],
    "Status": [("message", 2, TEXT), ("code", 3, UINT32)],
    "Span": [("trace_id", 1, BYTES), ("span_id", 2, BYTES), ("trace_state", 3, TEXT),
             ("parent_span_id", 4, BYTES), ("name", 5, TEXT), ("kind", 6, UINT32),
             ("start", 7, FIXED64), ("end", 8, FIXED64), ("attributes", 9, ["KeyValue"]),
             ("status", 15, "Status")],
    "ScopeSpans": [("scope", 1, "Scope"), ("spans", 2, ["Span"])],
    "ResourceSpans": [("resource", 1, "Resource"), ("scope_spans", 2, ["ScopeSpans"])],
    "Export": [("resource_spans", 1, ["ResourceSpans"])],
}


def describe():
    file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", package="otlp", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            many = isinstance(kind, list)
            kind = kind[0] if many else kind
            entry = message.field.add(name=field, number=number, label=MANY if many else ONE)
            if isinstance(kind, str):
                entry.type, entry.type_name = MESSAGE, ".otlp." + kind
            else:
                entry.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("otlp.Export"))


Export = describe()


def has_unknown(message):
    """Whether a field came that is not described above."""
    plain = type(message)()
    plain.CopyFrom(message)
    plain.DiscardUnknownFields()
    return plain.SerializeToString(deterministic=True) != message.SerializeToString(
        deterministic=True)


def attributes(pairs):
    found = {}
    for pair in pairs:
        assert pair.key not in found, f"{pair.key} came twice"
        fields = pair.value.ListFields()
        found[pair.key] = fields[0][1] if fields else ""
    return found


class Span:
    """One span, with hexadecimal ids and a dictionary of attributes."""

    def __init__(self, message, resource):
        self.trace = message.trace_id.hex()
        self.id = message.span_id.hex()
        self.parent = message.parent_span_id.hex()
        self.state = message.trace_state
        self.name = message.name
        self.kind = {1: "internal", 2: "server", 3: "client"}[message.kind]
        self.start, self.end = message.start, message.end
        self.failed = message.status.code == 2
        self.facts = attributes(message.attributes)
        self.resource = resource
        assert len(self.trace) == 32 and len(self.id) == 16 and len(self.parent) in (0, 16)
        assert self.start <= self.end

    def __repr__(self):
        return f"<{self.kind} {self.name} {self.trace}/{self.id} < {self.parent} {self.facts}>"


class Collector:
    """Answers with `status`, which a test may change; keeps what came with 200."""

    def __init__(self):
        self.status = 200
        self.requests = []  # (path, headers) of each
        self._spans = []
        self._changed = threading.Condition()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802 (the library's name)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = owner.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def take(self, path, headers, body):
        with self._changed:
            self.requests.append((path, headers))
            if self.status == 200:
                self._keep(body)
            self._changed.notify_all()
            return self.status

    def _keep(self, body):
        export = Export.FromString(body)
        assert not has_unknown(export)
        for resource in export.resource_spans:
            facts = attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                assert scope.scope.name == "weir"
                self._spans += [Span(each, facts) for each in scope.spans]

    def wait_requests(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE)

    def wait_spans(self, count):
        """All spans, once there are `count` of them."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._spans) >= count, PATIENCE)
            assert len(self._spans) >= count, self._spans
            return list(self._spans)

    def spans(self):
        with self._changed:
            return list(self._spans)
