"""Tests of check_includes.py."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_includes import check, complaint  # noqa: E402


class Arrows(unittest.TestCase):
    def allowed(self, path, included):
        self.assertIsNone(complaint(path, included), f"{path} -> {included}")

    def refused(self, path, included, word):
        self.assertIn(word, complaint(path, included) or "allowed", f"{path} -> {included}")

    def test_own_room_and_lower_floors_are_allowed(self):
        self.allowed("http/h1/parser.cc", "http/message.h")
        self.allowed("http/h1/parser.cc", "core/result.h")
        self.allowed("app/main.cc", "server/router.h")
        self.allowed("cluster/endpoint.cc", "io/loop.h")

    def test_upwards_and_sideways_are_refused(self):
        self.refused("core/task.h", "io/loop.h", "lower floors only")
        self.refused("io/loop.cc", "config/schema.h", "lower floors only")
        self.refused("handler/respond.cc", "middleware/limit.h", "lower floors only")
        self.refused("http/exchange.h", "cluster/endpoint.h", "lower floors only")

    def test_cluster_and_tunnel_never_see_http(self):
        self.refused("tunnel/tcp.cc", "http/message.h", "never includes http/")
        self.refused("cluster/pick.cc", "http/message.h", "never includes http/")
        self.refused("cluster/balance/hash.cc", "http/message.h", "never includes http/")

    def test_entries_of_a_collection_do_not_see_each_other(self):
        for room in ("middleware", "handler", "discovery", "cluster/balance"):
            self.refused(f"{room}/one.cc", f"{room}/two.h", "never include each other")
            self.refused(f"{room}/one_test.cc", f"{room}/two.h", "never include each other")
            self.allowed(f"{room}/builtin.cc", f"{room}/two.h")
            self.allowed(f"{room}/one_test.cc", f"{room}/one.h")
            self.allowed(f"{room}/one_key.cc", f"{room}/one.h")
            self.allowed(f"{room}/one/index.cc", f"{room}/one.h")
        self.allowed("cluster/cluster.cc", "cluster/balance/builtin.h")
        self.allowed("cluster/balance/hash.cc", "cluster/balancer.h")

    def test_an_include_that_names_no_room_is_refused(self):
        self.refused("core/task.cc", "task.h", "rooted at src/")
        self.refused("core/task.cc", "../io/loop.h", "rooted at src/")
        self.refused("misc/task.cc", "core/task.h", "not a room")

    def test_a_tree_is_read_file_by_file(self):
        with tempfile.TemporaryDirectory() as folder:
            src = Path(folder)
            (src / "core").mkdir()
            (src / "core/a.cc").write_text('#include "core/a.h"\n\n#  include "io/loop.h"\n')
            found = check(src)
            self.assertEqual(len(found), 1)
            self.assertTrue(found[0].startswith('src/core/a.cc:3: "io/loop.h"'))


if __name__ == "__main__":
    unittest.main()
