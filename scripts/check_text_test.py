"""Tests of check_text.py."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_text import ROOT, VAGUE_FILE, complaints  # noqa: E402


class Lines(unittest.TestCase):
    def refused(self, path, line, word):
        self.assertIn(word, " ".join(complaints(path, line)), line)

    def allowed(self, path, line):
        self.assertEqual(list(complaints(path, line)), [], line)

    def test_marks_and_sleeps_are_refused_in_product_code(self):
        self.refused("src/core/a.cc", "// TO" "DO: later", "mark")
        self.refused("tests/e2e/test_a.py", "time.sle" "ep(1)", "sleep")
        self.refused("src/core/a.cc", "std::this_thread::sle" "ep_for(1s);", "sleep")
        self.allowed("src/core/a.cc", "std::string todo_list;")
        self.allowed("src/core/a.cc", "co_await loop.sleep_for(delay, stop);")

    def test_hosts_and_paths_of_the_machine_are_refused_everywhere(self):
        self.refused("docs/a.md", "see http://mirror." "debian" ".org/", "host name")
        self.refused("docs/a.md", f"cd {ROOT}/src", "path of this machine")

    def test_names_that_say_nothing_are_refused(self):
        self.refused("src/core/a.h", "class PoolMan" "ager {", "says nothing")
        self.allowed("src/core/a.h", "class Pool {")
        self.assertTrue(VAGUE_FILE.search("string_util.h"))
        self.assertTrue(VAGUE_FILE.search("helpers.cc"))
        self.assertFalse(VAGUE_FILE.search("utility_function.cc"))

    def test_sources_are_ascii_and_prose_has_no_em_dash(self):
        self.refused("src/core/a.cc", "// \u00b5s", "ASCII")
        self.refused("README.md", "fast \u2014 and small", "em dash")
        self.allowed("README.md", "11 \u00b5s")


if __name__ == "__main__":
    unittest.main()
