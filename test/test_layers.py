"""What test/layers.py must find, tried on small houses."""

import tempfile
import unittest
from pathlib import Path

import layers

MANUAL = "# Developing\n\n## The house\n\n| folder | owns |\n|---|---|\n| `base` | a |\n| `net` | b |\n\n## Next\n"


class House(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.write("docs/developing.md", MANUAL)
        self.write("src/base/clock.h", "extern int rqbo_now(void);\n")
        self.write("src/base/clock.c", '#include "base/clock.h"\n\nint\nrqbo_now(void)\n{\n}\n')
        self.write("src/net/http.h", "extern int rqbo_http(void);\nextern int rqbo_limit;\n")
        self.write("src/net/http.c", '#include "base/clock.h"\n#include "net/http.h"\n\nint\t\t\trqbo_limit = 1;\n\n'
                                     "int\nrqbo_http(void)\n{\n\trqbo_now();\n}\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self):
        return "\n".join(layers.faults_of(self.root)[0])

    def test_a_house_in_order(self):
        self.assertEqual(layers.faults_of(self.root), ([], 2, 2))

    def test_an_include_that_runs_up(self):
        self.write("src/base/clock.h", '#include "net/http.h"\n')
        self.assertIn("base/clock runs up to net/http: clock.h includes net/http.h", self.faults())

    def test_a_call_that_runs_up_without_an_include(self):
        self.write("src/base/month.c", "extern int rqbo_http(void);\n\nint\nrqbo_month(void)\n{\n\treturn rqbo_http();\n}\n")
        self.assertIn("base/month runs up to net/http: month.c uses rqbo_http", self.faults())

    def test_a_variable_that_is_read_from_below(self):
        self.write("src/base/month.c", "int\nrqbo_month(void)\n{\n\treturn rqbo_limit;\n}\n")
        self.assertIn("base/month runs up to net/http: month.c uses rqbo_limit", self.faults())

    def test_comments_and_strings_are_no_calls(self):
        self.write("src/base/month.c", '/* see rqbo_http */\nstatic const char *name = "rqbo_http";\n')
        self.assertEqual(self.faults(), "")

    def test_a_circle_within_a_folder(self):
        self.write("src/net/a.c", "int\nrqbo_a(void)\n{\n\trqbo_b();\n}\n")
        self.write("src/net/b.c", "int\nrqbo_b(void)\n{\n\trqbo_c();\n}\n")
        self.write("src/net/c.c", "int\nrqbo_c(void)\n{\n\trqbo_a();\n}\n")
        self.assertIn("a circle of 3 files: net/a, net/b, net/c", self.faults())

    def test_a_folder_that_the_manual_does_not_know(self):
        self.write("src/attic/box.c", "")
        self.assertIn("attic/box: its folder is not in the table", self.faults())

    def test_a_folder_that_is_gone(self):
        self.write("docs/developing.md", MANUAL.replace("| `net` | b |", "| `net` | b |\n| `tower` | c |"))
        self.assertIn("tower: it is in the table but not in src/", self.faults())

    def test_a_manual_without_the_table(self):
        self.write("docs/developing.md", "# Developing\n")
        self.assertIn("has no table of folders", self.faults())


if __name__ == "__main__":
    unittest.main()

    def test_a_query_without_columns(self):
        self.write("src/base/month.c", 'static const char *query = "SELECT EXISTS ("\n\t"SELECT FROM month)";\n')
        self.write("src/sql/10_month.sql", "SELECT 1 FROM month;\nSELECT\n    FROM month;\n")
        self.assertIn("base/month.c:2: a query without columns: SELECT FROM", self.faults())
        self.assertIn("sql/10_month.sql:2: a query without columns", self.faults())
