# Release archives, and the demonstration on this machine.
.PHONY: dist demo demo-down
dist: all ## module folder and archives in build/out/dist, the same bytes each time
	@$(MAKE) --no-print-directory TARGET=windows native
	@build/dist.sh
demo: ## the main job on this machine: local cluster, Initialize-ECSAgent, a task with a page
	@build/setup.sh
	@$(MAKE) --no-print-directory all psh
	@build/demo/demo.sh
demo-down: ## ends the demo and removes what it made
	@build/demo/demo-down.sh
