"""promises.py finds what it must."""
import unittest

import promises


class Promises(unittest.TestCase):
    def test_what_is_there(self):
        self.assertEqual(list(promises.wrong(
            "| no | `t/054_locks.pl`: but as writing does; `sql/access.sql` |\n*054_locks, sql/setup.*")), [])

    def test_what_is_not(self):
        found = list(promises.wrong("| no | `t/999_nothing.pl`; `t/054_locks.pl`: pigs fly |\n*998_nothing, sql/nothing*"))
        self.assertEqual(found, ["there is no t/999_nothing.pl", 't/054_locks.pl has no subtest "pigs fly"',
                                 "there is no t/998_nothing.pl", "there is no sql/nothing.sql"])


if __name__ == "__main__":
    unittest.main()
