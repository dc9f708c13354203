# reefqbo: financial models linked to QuickBooks Online companies.
#
#   make, make install, make installcheck   as for every PGXS extension (PG_CONFIG= is honoured)
#   make test                               everything, on a throw-away cluster; installs what it lacks
#   make demo                               the main job, on a throw-away cluster and a simulated QuickBooks
#   make demo-cluster                       the same cluster, left running for you to try things on, until Ctrl-C
#   make panel                              a web application on such a cluster: models, sign-in, statements
#   make screenshots                        the manual's pictures of it, docs/panel
#   make install-simulator                  the simulated QuickBooks, for tests of applications: PREFIX=/usr/local
#   make docs                               docs/reference.md, from the comments of what is installed
#   make storm                              many companies, kills and lost answers at once: ROUNDS=400, SEED=...
#   make fuzz                               libFuzzer on every reader of what comes from outside: FUZZ_SECONDS=60
#   make bench                              the background worker's figures beside their goals; takes some minutes
#   make dist                               the archive for PGXN, of what is committed
#   make test-package                       packages and images, built and tried in clean systems: SUITE=bookworm
#   make test-versions                      everything on each major version of PostgreSQL: VERSIONS="15 17 18 19"

EXTENSION = reefqbo

# Builds out of the tree (make -f ../Makefile, or VPATH=..) find everything from here.
srcdir := $(patsubst %/,%,$(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST)))))
below = $(patsubst $(srcdir)/%,%,$(sort $(wildcard $(addprefix $(srcdir)/,$(1)))))

# The version stands in the control file.
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'$$/\1/p" $(srcdir)/$(EXTENSION).control)

MODULE_big = $(EXTENSION)
OBJS = $(patsubst %.c,%.o,$(call below,src/*.c src/*/*.c))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql

REGRESS = $(patsubst sql/%.sql,%,$(call below,sql/*.sql))
REGRESS_OPTS = --encoding=UTF8

PG_CONFIG ?= pg_config
PKG_CONFIG ?= pkg-config
# PostgreSQL's own headers are not clean under -Wextra; ours are, so theirs count as system headers.
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(shell $(PG_CONFIG) --includedir-server) -DRQBO_VERSION='"$(EXTVERSION)"'
# Tests check assertions, and move the clock that schedules and expiries go by (TEST_CLOCK=yes); what is installed has
# no such setting.
PG_CPPFLAGS += $(if $(TEST_CLOCK),-DRQBO_TEST_CLOCK -DUSE_ASSERT_CHECKING=1)
PG_CFLAGS = -Wall -Wextra
SHLIB_LINK = -lcurl

# "make" and "make install" need PostgreSQL's makefiles and the libraries; "make test" and its like bring them.
OWN_GOALS = test demo demo-cluster panel screenshots docs storm fuzz bench dist test-package test-versions \
	install-simulator uninstall-simulator
ifeq ($(filter $(OWN_GOALS),$(MAKECMDGOALS)),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) names no PostgreSQL to build for: install its server headers (Debian: postgresql-server-dev-15, \
or the version you have), or give PG_CONFIG=/path/to/pg_config)
endif
# pkg-config is not needed, but says more clearly than a compiler what is missing.
ifneq ($(shell command -v $(PKG_CONFIG)),)
needs = $(if $(shell $(PKG_CONFIG) --exists '$(1) >= $(2)' && echo yes),,$(error reefqbo needs $(1) $(2) or newer, \
	with its headers (Debian: $(3)); $(PKG_CONFIG) finds $(or $(shell $(PKG_CONFIG) --modversion $(1) 2>/dev/null),none)))
ifeq ($(filter clean distclean uninstall installcheck,$(MAKECMDGOALS)),)
$(call needs,libcurl,7.85,libcurl4-openssl-dev)
endif
endif
# Out of the tree the compiler finds no folder to write to; and VPATH would take what was built in it.
ifneq ($(srcdir),.)
$(if $(call below,*.so src/*/*.o $(EXTENSION)--*.sql),$(error $(srcdir) has been built in: run make clean there first))
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif
# Bitcode is what a server inlines into its plans. No function here is worth it, and it takes a second compiler.
override with_llvm = no
include $(PGXS)
endif

$(EXTENSION)--$(EXTVERSION).sql: $(addprefix $(srcdir)/,$(call below,src/sql/*.sql))
	cat $^ > $@

# Every object is rebuilt when a header, the version or an option changes: the project is small and a stale object is
# a bad bug.
$(OBJS): $(addprefix $(srcdir)/,$(call below,src/*/*.h) $(EXTENSION).control Makefile)

# The pages keep their places to each other, so that their links are alive where they are installed.
PAGES = README.md SECURITY.md CONTRIBUTING.md CHANGELOG.md LICENSE
pagesdir = $(DESTDIR)$(docdir)/extension/$(EXTENSION)
install: install-pages
uninstall: uninstall-pages

.PHONY: install-pages uninstall-pages
install-pages:
	$(MKDIR_P) '$(pagesdir)/docs'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(PAGES)) '$(pagesdir)/'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(call below,docs/*.md)) '$(pagesdir)/docs/'
	$(MKDIR_P) '$(pagesdir)/docs/panel'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(call below,docs/panel/*)) '$(pagesdir)/docs/panel/'
	$(MKDIR_P) '$(pagesdir)/contrib/prometheus' '$(pagesdir)/contrib/api' '$(pagesdir)/contrib/subscriber'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(call below,contrib/api/*)) '$(pagesdir)/contrib/api/'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(call below,contrib/subscriber/*)) '$(pagesdir)/contrib/subscriber/'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(call below,contrib/prometheus/*)) '$(pagesdir)/contrib/prometheus/'

uninstall-pages:
	rm -rf '$(pagesdir)'

.PHONY: test demo demo-cluster panel screenshots docs storm fuzz bench test-package test-versions
test:
	@test/run test

demo:
	@test/run demo

demo-cluster:
	@test/run cluster

panel:
	@test/run panel

screenshots:
	@test/run screenshots

docs:
	@test/run docs

storm:
	@test/run storm

fuzz:
	@test/run fuzz

bench:
	@test/run bench

test-package:
	@test/run package

test-versions:
	@test/run versions

# As PGXN wants it: everything is below a directory of the distribution's name and version.
DISTVERSION = $(shell sed -n 's/^    "version": "\(.*\)",$$/\1/p' $(srcdir)/META.json)

.PHONY: dist
dist:
	git archive --format zip --prefix $(EXTENSION)-$(DISTVERSION)/ -o $(EXTENSION)-$(DISTVERSION).zip HEAD

# The simulated QuickBooks as a tool for applications' own tests. It needs Python and openssl, and no PostgreSQL.
PREFIX ?= /usr/local
simulatordir = $(DESTDIR)$(PREFIX)/share/reefqbo-simulator
SIMULATOR = $(filter-out simulator/test_%.py simulator/support.py,$(call below,simulator/*.py)) \
	simulator/README.md simulator/reefqbo_test.sql simulator/example_companies.json

.PHONY: install-simulator uninstall-simulator
install-simulator:
	install -d '$(simulatordir)' '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 $(addprefix $(srcdir)/,$(SIMULATOR)) '$(simulatordir)/'
	install -m 755 $(srcdir)/simulator/reefqbo-simulator '$(DESTDIR)$(PREFIX)/bin/'
	install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 644 $(srcdir)/simulator/reefqbo-simulator.1 '$(DESTDIR)$(PREFIX)/share/man/man1/'

uninstall-simulator:
	rm -rf '$(simulatordir)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/reefqbo-simulator' '$(DESTDIR)$(PREFIX)/share/man/man1/reefqbo-simulator.1'
