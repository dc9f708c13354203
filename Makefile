# reefqbo: financial models linked to QuickBooks Online companies.
#
#   make, make install, make installcheck   as for every PGXS extension (PG_CONFIG= is honoured)
#   make test                               everything, on a throw-away cluster; installs what it lacks
#   make demo                               the main job, on a throw-away cluster and a simulated QuickBooks
#   make demo-cluster                       the same cluster, left running for you to try things on, until Ctrl-C
#   make docs                               docs/reference.md, from the comments of what is installed
#   make storm                              many companies, kills and lost answers at once: ROUNDS=400, SEED=...
#   make fuzz                               libFuzzer on every reader of what comes from outside: FUZZ_SECONDS=60
#   make bench                              the background worker's figures beside their goals; takes some minutes

EXTENSION = reefqbo
EXTVERSION = 1.0

MODULE_big = reefqbo
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
SQL_PARTS = $(sort $(wildcard src/sql/*.sql))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = $(EXTENSION)--*.sql
DOCS = $(wildcard docs/*.md)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --encoding=UTF8

PG_CONFIG ?= pg_config
# PostgreSQL's own headers are not clean under -Wextra; ours are, so theirs count as system headers.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) -DRQBO_VERSION='"$(EXTVERSION)"'
# Tests check assertions, and move the clock that schedules and expiries go by (TEST_CLOCK=yes); what is installed has
# no such setting.
PG_CPPFLAGS += $(if $(TEST_CLOCK),-DRQBO_TEST_CLOCK -DUSE_ASSERT_CHECKING=1)
PG_CFLAGS = -Wall -Wextra
SHLIB_LINK = -lcurl -ljson-c

# "make" and "make install" need PGXS; "make test" and its like must run before it is there.
ifeq ($(filter test demo demo-cluster docs storm fuzz bench,$(MAKECMDGOALS)),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
# Pages have names like install.md, which another extension may have too.
docmoduledir := extension/$(EXTENSION)
endif

$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $^ > $@

# Every object is rebuilt when a header changes: the project is small and a stale object is a bad bug.
$(OBJS): $(sort $(wildcard src/*/*.h))

.PHONY: test demo demo-cluster docs storm fuzz bench
test:
	@test/run test

demo:
	@test/run demo

demo-cluster:
	@test/run cluster

docs:
	@test/run docs

storm:
	@test/run storm

fuzz:
	@test/run fuzz

bench:
	@test/run bench
