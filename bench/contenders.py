"""What is measured: Weir, the packaged peers, and the floor programs. How each is started."""

import dataclasses
import getpass
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import processes

CONFIGS = pathlib.Path(__file__).parent / "configs"
PATHS_PER_HOST = 10  # of the many routes: a thousand hosts with ten paths each

# What makes nginx cheapest with bodies of 1 MiB; with its defaults they cost it more than twice as
# much. Small answers are better off without.
NGINX_BODIES = ("  proxy_buffering off; proxy_buffer_size 256k; proxy_buffers 8 256k; "
                "client_body_buffer_size 256k;")


# The same for connections passed on as they are.
NGINX_STREAM_BODIES = "  proxy_buffer_size 256k;"
NGINX_STREAM = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")

# What clients offer leaves one cipher suite and one group (openssl.cnf): the same work for all.
NGINX_TLS = ("  ssl_certificate @DIR@/site.pem; ssl_certificate_key @DIR@/site.key;\n"
             "  ssl_protocols TLSv1.3;")
WEIR_TLS = "    tls: { certificates: [{ cert: @DIR@/site.pem, key: @DIR@/site.key }] }"
# zlib's fastest level; HAProxy's libslz has one only.
NGINX_GZIP = "  gzip on; gzip_comp_level 1; gzip_types application/json;"
HAPROXY_GZIP = "compression algo gzip\n  compression type application/json"
WEIR_GZIP = "use: [{ compress: { codings: gzip } }]"
HAPROXY_TLS = "ssl crt @DIR@/site.both alpn h2,http/1.1 ssl-min-ver TLSv1.3"


@dataclasses.dataclass(frozen=True)
class Setting:
    """How the proxies of a scenario are set up."""

    tls: bool = False          # towards the client, with HTTP/2 where that asks for it
    http2_origin: bool = False  # HTTP/2 in clear towards the origin
    bulk: bool = False         # what suits large bodies best
    gzip: bool = False         # JSON is compressed, as fast as the contender can
    udp: bool = False          # datagrams, in place of HTTP
    tcp: bool = False          # connections are passed on as they are
    several: bool = False      # origins, of which one may hang: checks and retries are on


@dataclasses.dataclass(frozen=True)
class Contender:
    """One program in one role. `routes` is 0 for a proxy with a single catch-all route; `use` are
    Weir's middlewares, `upstream` options of its upstream, as a configuration writes them; `told`
    what is different about a contender that has some."""

    name: str
    kind: str     # weir, peer, floor
    program: str  # the path of what is run
    arguments: tuple = ()
    routes: int = 0
    use: str = ""
    upstream: str = ""
    told: str = ""

    @property
    def label(self):
        if self.told:
            return f"{self.name}, {self.told}"
        if not self.routes:
            return self.name
        return f"{self.name}, " + ("one route" if self.routes == 1 else f"{self.routes} routes")

    def is_here(self):
        return shutil.which(self.program) is not None


def all_contenders(binaries, engine="auto"):
    """By name. `binaries` is the directory of the release build; `engine` is Weir's."""
    def floor(name, program, *arguments):
        return Contender(name, "floor", str(binaries / program), arguments)

    contenders = [
        Contender("weir", "weir", str(binaries / "weir"), ("--engine", engine)),
        Contender("nginx", "peer", shutil.which("nginx") or "/usr/sbin/nginx"),
        Contender("haproxy", "peer", shutil.which("haproxy") or "/usr/sbin/haproxy"),
        Contender("h2o", "peer", shutil.which("h2o") or "/usr/bin/h2o"),
        Contender("nghttpx", "peer", shutil.which("nghttpx") or "/usr/sbin/nghttpx"),
        floor("forwarder", "floor_epoll_forwarder"),
        floor("answer", "floor_epoll_answer"),
        floor("relay-64k", "floor_relay", "65536"),
        floor("relay-256k", "floor_relay", "262144"),
        floor("relay-splice", "floor_relay", "splice"),
    ]
    return {contender.name: contender for contender in contenders}


# What most sites have, together: fields of requests and responses by templates, pages of other
# origins, ten thousand networks that stay out, security headers, another path.
def everyday():
    networks = ", ".join(f"10.{i // 256}.{i % 256}.{j * 64}/27" for i in range(2500)
                         for j in range(4))
    return f"""use:
  - ip_filter: {{ deny: [{networks}] }}
  - security_headers
  - cors: {{ origins: ["https://app.example", "https://*.team.example"], expose: [X-Request-Id] }}
  - headers:
      request: {{ set: {{ X-Client: "${{client_ip}}", X-Proto: "${{scheme}}" }}, remove: [X-Debug] }}
      response: {{ set: {{ X-Route: "${{route}}" }}, remove: [X-Internal] }}
  - rewrite: {{ regex: "/(1k|1m)(/.*)?", to: "/$1$2" }}"""


# What looks after an upstream, all of it and none of it.
RESILIENT = """    health: { path: /1k }
    outliers: { errors: 10, success_rate: 2, latency: 3 }
    breaker: { failure_rate: 50, max_requests: 10000, max_pending: 1000, max_retries: 100 }
    retries: { attempts: 3, statuses: [502, 503, 504], budget: { share: 0.2 }, body_limit: 64KiB }"""
CARELESS = """    outliers: off
    retries: { attempts: 1 }"""
HEDGED = "    hedge: { after: 50ms }"


def version(contender):
    """The program's own word for its version, or an empty text."""
    flags = {"nginx": "-v", "haproxy": "-v", "weir": "--version", "h2o": "--version",
             "nghttpx": "--version"}
    if contender.name not in flags:
        return ""
    answer = subprocess.run([contender.program, flags[contender.name]], capture_output=True,
                            text=True, timeout=10, check=False)
    lines = (answer.stdout or answer.stderr).strip().splitlines()
    found = re.search(r"\d+\.\d[\w.+~-]*", lines[0]) if lines else None
    return found.group(0) if found else (lines[0] if lines else "")


def render(template, **values):
    text = (CONFIGS / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name.upper()}@", str(value))
    return text


def route_names(count):
    """(host, path prefix) of each route, as bench/load/routes.lua asks for them."""
    return [(f"host{index // PATHS_PER_HOST:05d}.example", f"/part{index % PATHS_PER_HOST}/")
            for index in range(count)]


def weir_config(contender, port, origin, directory, setting):
    if setting.udp:
        return render("weir-udp.yaml", port=port, origin=origin)
    if setting.tcp:
        return render("weir-tcp.yaml", port=port, origin=origin)
    if setting.several:
        return render("weir-several.yaml", port=port, upstream=contender.upstream,
                      endpoints=", ".join(f'"127.0.0.1:{each}"' for each in origin))
    routes = "  - reverse_proxy: origin"
    if contender.routes:
        routes = "\n".join(
            f'  - {{ match: {{ host: {host}, path: "{path}*" }}, reverse_proxy: origin }}'
            for host, path in route_names(contender.routes))
    return render("weir.yaml", port=port, origin=origin, routes=routes,
                  use=WEIR_GZIP if setting.gzip else contender.use,
                  tls=WEIR_TLS.replace("@DIR@", str(directory)) if setting.tls else "",
                  upstream="    protocol: http2" if setting.http2_origin else contender.upstream)


def _nginx_servers(contender, port, setting):
    if not contender.routes:
        ssl = " ssl http2" if setting.tls else ""
        return (f"  server {{ listen 127.0.0.1:{port}{ssl} backlog=4096;\n"
                "    location / { proxy_pass http://origin; } }")
    paths = {}
    for host, path in route_names(contender.routes):
        paths.setdefault(host, []).append(path)
    blocks, backlog = [], " backlog=4096"
    for host, prefixes in paths.items():
        places = " ".join(f"location {prefix} {{ proxy_pass http://origin; }}"
                          for prefix in prefixes)
        blocks.append(f"  server {{ listen 127.0.0.1:{port}{backlog}; server_name {host}; "
                      f"{places} }}")
        backlog = ""  # may be given once per address
    return "\n".join(blocks)


def start(workshop, contender, origin, setting=Setting(), *, wrapper=()):
    """Starts the contender before the origin's port, or before several; returns (process, port).

    With a `wrapper` (valgrind) the program stays in one process and gets longer to start.
    """
    port = processes.free_port()
    directory = workshop.directory
    program = [*wrapper, contender.program]
    environment = {}
    if contender.name == "weir":
        # Its control socket must not meet that of another Weir on this machine.
        own = tempfile.mkdtemp(prefix="run-", dir=directory)
        environment = {"XDG_RUNTIME_DIR": own, "RUNTIME_DIRECTORY": own}
        config = workshop.write(f"weir-{port}.yaml",
                                weir_config(contender, port, origin, directory, setting))
        # valgrind does not know io_uring well enough
        engine = ("--engine", "epoll") if wrapper else contender.arguments
        program += ["run", str(config), *engine]
    elif contender.kind == "peer":
        program += _peer_arguments(workshop, contender, port, origin, setting, bool(wrapper))
    elif contender.name == "answer":
        program += [str(port)]
    else:
        program += [str(port), str(origin), *contender.arguments]
    process = workshop.start(contender.name, program, workshop.proxy_core, environment)
    process.wait_until_it_listens(port, 30 if wrapper else 10, udp=setting.udp)
    return process, port


def _peer_arguments(workshop, contender, port, origin, setting, wrapped):
    """Writes the peer's configuration; returns the arguments with which it reads it."""
    directory, user = workshop.directory, getpass.getuser()
    tag, common = f"{contender.name}-{port}", {"port": port, "origin": origin, "dir": directory}
    if contender.name == "nginx" and setting.udp:
        module = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")  # of Debian
        text = render("nginx-udp.conf", **common, user=user,
                      module=f"load_module {module};" if module.exists() else "")
        return ["-c", str(workshop.write(f"{tag}.conf", text))]
    if setting.tcp:
        return _tcp_arguments(workshop, contender, tag, common, user, setting)
    if setting.several:
        return _several_arguments(workshop, contender, tag, common, user)
    if contender.name == "nginx":
        text = render("nginx.conf", **common, user=user,
                      master="master_process off;" if wrapped else "",
                      bodies=NGINX_BODIES if setting.bulk else "",
                      gzip=NGINX_GZIP if setting.gzip else "",
                      tls=NGINX_TLS.replace("@DIR@", str(directory)) if setting.tls else "",
                      servers=_nginx_servers(contender, port, setting))
        return ["-c", str(workshop.write(f"{tag}.conf", text))]
    if contender.name == "haproxy":
        text = render("haproxy.cfg", **common, scheme="https" if setting.tls else "http",
                      gzip=HAPROXY_GZIP if setting.gzip else "",
                      bind=HAPROXY_TLS.replace("@DIR@", str(directory)) if setting.tls else "",
                      server="proto h2" if setting.http2_origin else "")
        return ["-db", "-f", str(workshop.write(f"{tag}.cfg", text))]
    if contender.name == "nghttpx":
        protocol = "proto=h2" if setting.http2_origin else "proto=http/1.1"
        text = render("nghttpx.conf", **common, protocol=protocol)
        return [f"--conf={workshop.write(f'{tag}.conf', text)}"]
    text = render("h2o.yaml", **common, user=user)
    return ["-c", str(workshop.write(f"{tag}.yaml", text))]


def _tcp_arguments(workshop, contender, tag, common, user, setting):
    if contender.name == "nginx":
        text = render("nginx-stream.conf", **common, user=user, module=NGINX_STREAM,
                      bodies=NGINX_STREAM_BODIES if setting.bulk else "")
        return ["-c", str(workshop.write(f"{tag}.conf", text))]
    text = render("haproxy-tcp.cfg", port=common["port"], origin=common["origin"])
    return ["-db", "-f", str(workshop.write(f"{tag}.cfg", text))]


def _several_arguments(workshop, contender, tag, common, user):
    ports = common["origin"]
    if contender.name == "nginx":
        text = render("nginx-several.conf", port=common["port"], dir=common["dir"], user=user,
                      servers="\n".join(f"    server 127.0.0.1:{each};" for each in ports))
        return ["-c", str(workshop.write(f"{tag}.conf", text))]
    text = render("haproxy-several.cfg", port=common["port"],
                  servers="\n".join(f"  server origin{each} 127.0.0.1:{each} check inter 1s"
                                    for each in ports))
    return ["-db", "-f", str(workshop.write(f"{tag}.cfg", text))]


def make_certificate(directory):
    """A self-signed ECDSA certificate: site.pem, site.key, and both in one, site.both."""
    certificate, key = directory / "site.pem", directory / "site.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-noenc", "-days", "30", "-subj",
                    "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example",
                    "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True, timeout=30)
    (directory / "site.both").write_text(certificate.read_text() + key.read_text())


def lacks(contender, directory, setting):
    """What the contender would need for this setting and has not, or an empty text."""
    if setting.tcp and contender.name == "nginx" and not NGINX_STREAM.exists():
        return f"{NGINX_STREAM} is not there"
    if setting.http2_origin and not _knows_http2_origins(contender, directory):
        return "no HTTP/2 towards origins"
    return ""


def _knows_http2_origins(contender, directory):
    """Whether this Weir can speak HTTP/2 to an origin."""
    if contender.name != "weir":
        return True
    text = weir_config(contender, 1, 1, directory, Setting(http2_origin=True))
    config = directory / "check-http2-origin.yaml"
    config.write_text(text)
    return subprocess.run([contender.program, "check", str(config)], capture_output=True,
                          timeout=10, check=False).returncode == 0


def _orders(size):
    """JSON as an interface gives it, of about `size` bytes, the same in every run."""
    draw = random.Random(1)
    words = "oak pine steel glass table chair lamp shelf small large round light dark green".split()
    orders, length = [], 0
    while length < size:
        order = {"id": draw.randrange(10**8), "customer": f"{draw.randrange(16**12):012x}",
                 "placed": f"2026-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}T"
                           f"{draw.randrange(24):02}:{draw.randrange(60):02}:00Z",
                 "paid": draw.random() < 0.9, "total": round(draw.uniform(5, 900), 2),
                 "items": [{"sku": f"W-{draw.randrange(10**5):05}", "count": draw.randrange(1, 9),
                            "title": " ".join(draw.choices(words, k=3))}
                           for _ in range(draw.randrange(1, 4))]}
        orders.append(order)
        length += len(json.dumps(order)) + 2
    return json.dumps(orders)


def start_nginx_origin(workshop):
    """The origin of everything but uploads: /1m is 1 MiB by sendfile, /json is 32 KB of JSON, all
    else 1 KB.

    Returns its ports for HTTP/1 and, in clear, for HTTP/2.
    """
    process, port, port_h2 = start_one_nginx_origin(workshop, "origin")
    process.wait_until_it_listens(port, 10)
    return port, port_h2


def start_one_nginx_origin(workshop, name):
    """(process, port for HTTP/1, port for HTTP/2) of an origin that may not listen yet."""
    port, port_h2 = processes.free_port(), processes.free_port()
    www = workshop.directory / "www"
    www.mkdir(exist_ok=True)
    (www / "1m").write_bytes(b"x" * (1 << 20))
    (www / "json").write_text(_orders(32 * 1024))
    text = render("origin.conf", dir=workshop.directory, user=getpass.getuser(), port=port,
                  port_h2=port_h2, kilobyte="x" * 1024)
    config = workshop.write(f"{name}.conf", text.replace("origin.pid", f"{name}.pid"))
    process = workshop.start(name, ["nginx", "-c", str(config)], workshop.load_core)
    return process, port, port_h2


def start_udp_origin(workshop, program):
    """Answers datagrams with themselves."""
    port = processes.free_port()
    process = workshop.start("udp-origin", [program, str(port), "echo"], workshop.load_core)
    process.wait_until_it_listens(port, 10, udp=True)
    return port


def start_floor_origin(workshop, contender):
    """The origin of uploads: it answers when it has read the whole body."""
    port = processes.free_port()
    process = workshop.start("upload-origin", [contender.program, str(port)], workshop.load_core)
    process.wait_until_it_listens(port, 10)
    return port
