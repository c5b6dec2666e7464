"""How requests are spread over real origins: by weight, by key, by level, zone and label."""

from collections import Counter

import pytest

from http_client import RawConnection, ask
from origins import Nginx, refusing_port
from weir_process import WeirProcess

WORKERS = 2


@pytest.fixture(scope="module")
def origins():
    with Nginx("one") as one, Nginx("two") as two, Nginx("three") as three:
        yield [one, two, three]


def config(endpoints, options):
    """`endpoints`: addresses, or texts of whole endpoints."""
    listed = ", ".join(each if each.startswith("{") else f'"{each}"' for each in endpoints)
    return f"""
workers: {WORKERS}
listeners: [{{ address: "127.0.0.1:0", name: main }}]
routes: [{{ reverse_proxy: origin }}]
upstreams: {{ origin: {{ endpoints: [{listed}], {options} }} }}
"""


def addresses(origins):
    return [each.address for each in origins]


def name(weir, **headers):
    """Which origin answers a request."""
    fields = [f"{field.replace('_', '-')}: {value}" for field, value in headers.items()]
    return ask(weir.port(), "/name", headers=fields).body.decode()


def homes(weir, users=200):
    """Where each user lives: {user: origin}."""
    return {user: name(weir, X_User=user) for user in range(users)}


def by_header(algorithm):
    return f"balance: {{ algorithm: {algorithm}, key: header.x-user }}"


@pytest.mark.parametrize("algorithm", ["ring", "maglev"])
def test_a_user_stays_on_an_origin_over_a_reload_and_the_loss_of_another(origins, algorithm):
    with Nginx("lost") as lost:
        options = by_header(algorithm)
        text = config([lost.address, *addresses(origins)], options)
        with WeirProcess(text) as weir:
            before = homes(weir)
            assert set(before.values()) == {"one", "two", "three", "lost"}
            assert homes(weir) == before

            # The order in the file says nothing.
            assert weir.reload(config([*addresses(origins), lost.address],
                                      options)).returncode == 0
            assert homes(weir) == before

            lost.kill()
            after = homes(weir)
            assert "lost" not in after.values()
            assert all(after[user] == home for user, home in before.items() if home != "lost")
            assert len({after[user] for user, home in before.items() if home == "lost"}) > 1

            assert weir.reload(config(addresses(origins), options)).returncode == 0
            left = homes(weir)
            moved = sum(left[user] != home for user, home in before.items() if home != "lost")
            assert moved <= (0 if algorithm == "ring" else 20)

        # Another process agrees.
        with WeirProcess(config(addresses(origins), options)) as weir:
            assert homes(weir) == left


@pytest.mark.parametrize("key, request_of", [
    ("cookie.session", lambda user: ("/name", [f"Cookie: a=1; session={user}"])),
    ("query.user", lambda user: (f"/name?x=1&user={user}", [])),
    ("[header.x-user, client_ip]", lambda user: ("/name", [f"X-User: {user}"]))])
def test_the_key_is_any_value_of_the_request(origins, key, request_of):
    with WeirProcess(config(addresses(origins),
                            f"balance: {{ algorithm: maglev, key: {key} }}")) as weir:
        def home(user):
            target, headers = request_of(user)
            return ask(weir.port(), target, headers=headers).body.decode()
        first = {user: home(user) for user in range(30)}
        assert set(first.values()) == {"one", "two", "three"}
        assert {user: home(user) for user in range(30)} == first


@pytest.mark.parametrize("key", ["header.", "status", "client_ip == 10.0.0.1", "shoe_size"])
def test_a_key_that_no_request_has_is_refused_where_it_stands(origins, key):
    good = config(addresses(origins), "balance: ring")
    with WeirProcess(good) as weir:
        refused = weir.reload(config(addresses(origins),
                                     f"balance: {{ algorithm: ring, key: '{key}' }}"))
        assert refused.returncode != 0
        assert "weir.yaml:5:" in refused.stdout + refused.stderr
        assert name(weir)


def test_without_a_key_of_its_own_a_hash_goes_by_the_client(origins):
    with WeirProcess(config(addresses(origins), "balance: ring")) as weir:
        assert len({name(weir) for _ in range(30)}) == 1


@pytest.mark.parametrize("algorithm", ["round_robin", "random", "power_of_two", "least_requests"])
def test_weights_are_shares(origins, algorithm):
    weighted = [f'{{ address: "{each.address}", weight: {weight} }}'
                for each, weight in zip(origins, [6, 3, 1])]
    requests = 1000
    with WeirProcess(config(weighted, f"balance: {algorithm}")) as weir:
        with RawConnection(weir.port()) as connection:
            count = Counter(connection.ask("/name").body.decode() for _ in range(requests))
    for origin, share in (("one", 0.6), ("two", 0.3), ("three", 0.1)):
        assert abs(count[origin] / requests - share) < (0.01 if algorithm == "round_robin" else 0.08)


def test_every_origin_is_used_by_latency_too(origins):
    with WeirProcess(config(addresses(origins), "balance: peak_ewma")) as weir:
        with RawConnection(weir.port()) as connection:
            assert len({connection.ask("/name").body for _ in range(300)}) == 3


def test_a_lower_level_serves_only_when_nobody_else_does(origins):
    one, two, _ = origins
    backup = f'{{ address: "{two.address}", priority: 1 }}'
    with WeirProcess(config([one.address, backup], "balance: random")) as weir:
        assert {name(weir) for _ in range(30)} == {"one"}
    with refusing_port() as dead:
        address = f"127.0.0.1:{dead.getsockname()[1]}"
        with WeirProcess(config([address, backup], "balance: random")) as weir:
            assert {name(weir) for _ in range(30)} == {"two"}


def test_the_zone_of_the_process_is_preferred(origins):
    placed = [f'{{ address: "{each.address}", zone: {zone} }}'
              for each, zone in zip(origins, ["a", "b", "a"])]
    with WeirProcess("zone: a\n" + config(placed, "balance: random")) as weir:
        assert {name(weir) for _ in range(40)} == {"one", "three"}


def test_a_subset_has_only_what_has_its_labels(origins):
    def text(routes):
        labelled = [f'{{ address: "{each.address}", labels: {{ version: "{version}" }} }}'
                    for each, version in zip(origins, ["1", "2", "2"])]
        return config(labelled, "balance: random").replace("[{ reverse_proxy: origin }]", routes)

    def route(version):
        return (f"{{ match: {{ header: {{ X-Version: '{version}' }} }}, reverse_proxy: "
                f"{{ upstream: origin, subset: {{ version: '{version}' }} }} }}")

    with WeirProcess(text(f"[{route(1)}, {route(2)}, {route(3)}]")) as weir:
        assert {name(weir, X_Version=1) for _ in range(20)} == {"one"}
        assert {name(weir, X_Version=2) for _ in range(40)} == {"two", "three"}
        answer = ask(weir.port(), "/name", headers=["X-Version: 3"])
        assert answer.status == 503
        assert b"subset_empty" in answer.body
        # Another configuration asks for other labels of the same endpoints.
        assert weir.reload(text(f"[{route(2)}]")).returncode == 0
        assert {name(weir, X_Version=2) for _ in range(40)} == {"two", "three"}
