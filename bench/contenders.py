"""What is measured: Weir, the packaged peers, and the floor programs. How each is started."""

import dataclasses
import getpass
import pathlib
import re
import shutil
import subprocess

import processes

CONFIGS = pathlib.Path(__file__).parent / "configs"
PATHS_PER_HOST = 10  # of the many routes: a thousand hosts with ten paths each

# What makes nginx cheapest with bodies of 1 MiB; with its defaults they cost it more than twice as
# much. Small answers are better off without.
NGINX_BODIES = ("  proxy_buffering off; proxy_buffer_size 256k; proxy_buffers 8 256k; "
                "client_body_buffer_size 256k;")


@dataclasses.dataclass(frozen=True)
class Contender:
    """One program in one role. `routes` is 0 for a proxy with a single catch-all route."""

    name: str
    kind: str     # weir, peer, floor
    program: str  # the path of what is run
    arguments: tuple = ()
    routes: int = 0

    @property
    def label(self):
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
        floor("forwarder", "floor_epoll_forwarder"),
        floor("answer", "floor_epoll_answer"),
        floor("relay-64k", "floor_relay", "65536"),
        floor("relay-256k", "floor_relay", "262144"),
        floor("relay-splice", "floor_relay", "splice"),
    ]
    return {contender.name: contender for contender in contenders}


def version(contender):
    """The program's own word for its version, or an empty text."""
    flags = {"nginx": "-v", "haproxy": "-v", "weir": "--version"}
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


def _weir_config(contender, port, origin):
    routes = "  - reverse_proxy: origin"
    if contender.routes:
        routes = "\n".join(
            f'  - {{ match: {{ host: {host}, path: "{path}*" }}, reverse_proxy: origin }}'
            for host, path in route_names(contender.routes))
    return render("weir.yaml", port=port, origin=origin, routes=routes)


def _nginx_servers(contender, port):
    if not contender.routes:
        return (f"  server {{ listen 127.0.0.1:{port} backlog=4096;\n"
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


def start(workshop, contender, origin, *, bulk=False, wrapper=()):
    """Starts the contender before the origin's port; returns (process, port).

    `bulk` chooses the peers' settings for large bodies. With a `wrapper` (valgrind) the program
    stays in one process and gets longer to start.
    """
    port = processes.free_port()
    directory = workshop.directory
    tag = f"{contender.name}-{port}"
    program = [*wrapper, contender.program]
    environment = {}
    if contender.name == "weir":
        # Its control socket must not meet that of another Weir on this machine.
        own = directory / f"run-{port}"
        own.mkdir(mode=0o700)
        environment = {"XDG_RUNTIME_DIR": str(own), "RUNTIME_DIRECTORY": str(own)}
        config = workshop.write(f"{tag}.yaml", _weir_config(contender, port, origin))
        # valgrind does not know io_uring well enough
        engine = ("--engine", "epoll") if wrapper else contender.arguments
        program += ["run", str(config), *engine]
    elif contender.name == "nginx":
        text = render("nginx.conf", dir=directory, user=getpass.getuser(), origin=origin,
                      master="master_process off;" if wrapper else "",
                      bodies=NGINX_BODIES if bulk else "",
                      servers=_nginx_servers(contender, port))
        program += ["-c", str(workshop.write(f"{tag}.conf", text))]
    elif contender.name == "haproxy":
        config = workshop.write(f"{tag}.cfg", render("haproxy.cfg", port=port, origin=origin))
        program += ["-db", "-f", str(config)]
    elif contender.name == "answer":
        program += [str(port)]
    else:
        program += [str(port), str(origin), *contender.arguments]
    process = workshop.start(contender.name, program, workshop.proxy_core, environment)
    process.wait_until_it_listens(port, 30 if wrapper else 10)
    return process, port


def start_nginx_origin(workshop):
    """The origin of everything but uploads: /1m is 1 MiB by sendfile, all else 1 KB."""
    port = processes.free_port()
    www = workshop.directory / "www"
    www.mkdir(exist_ok=True)
    (www / "1m").write_bytes(b"x" * (1 << 20))
    text = render("origin.conf", dir=workshop.directory, user=getpass.getuser(), port=port,
                  kilobyte="x" * 1024)
    config = workshop.write("origin.conf", text)
    process = workshop.start("origin", ["nginx", "-c", str(config)], workshop.load_core)
    process.wait_until_it_listens(port, 10)
    return port


def start_floor_origin(workshop, contender):
    """The origin of uploads: it answers when it has read the whole body."""
    port = processes.free_port()
    process = workshop.start("upload-origin", [contender.program, str(port)], workshop.load_core)
    process.wait_until_it_listens(port, 10)
    return port
