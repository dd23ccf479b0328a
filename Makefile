# ECSTools. `make help` lists the targets; build/*.mk hold the rules, one subject a file.
# Switches: TARGET=linux|windows, SAN=1, COV=1, V=1; to build less: T=area/name (unit), AREAS="base net".
# ECSTOOLS_OUT=folder puts the outputs elsewhere, for two builds of one checkout at a time.
.DEFAULT_GOAL := all
TARGET ?= linux
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)

include build/flags.mk
include build/deps.mk
include build/sources.mk
include build/windows.mk
include build/native.mk
include build/module.mk
include build/tests.mk
include build/dist.mk

.PHONY: all help clean
all: native module ## library and programs for this OS, and the module

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile build/*.mk | sort | expand -t 16

clean: ## removes build/out and the built module; third-party libraries stay in the cache
	@if [ -d build/out/wine-prefix ]; then build/wine.sh --stop; fi
	rm -rf build/out psmodule/bin psmodule/obj en-US
