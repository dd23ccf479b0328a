"""How much the simulator gets through: its own count of its last line."""
import os
import re
import subprocess

import world as worlds


def phase(bench, say):
    sim = os.path.join(worlds.OUT, "tests", "sim", "sim")
    say("simulated worlds: %d s" % bench.o.sim)
    if not os.path.exists(sim):
        bench.table.add("simulated worlds", "not built: make sim-bin")
        return
    done = subprocess.run([sim, "--seconds", str(bench.o.sim), "--from", "1"], cwd=worlds.ROOT, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    last = done.stdout.strip().splitlines()[-1]
    count = re.match(r"sim: (\d+) worlds, (\d+) worlds/s, (\d+) events, (\d+) events/s, "
                     r"([\d.]+) simulated days a minute; \d+ passed, (\d+) failed$", last)
    if not count:
        raise RuntimeError("the simulator: " + last)
    worlds_n, worlds_s, _events, events_s, days, failed = count.groups()
    bench.table.add("simulated worlds (%s in %d s, one processor)" % (worlds_n, bench.o.sim),
                    "%s worlds/s, %s events/s, %s days a minute" % (worlds_s, events_s, days))
    if failed != "0":  # of interest whatever the figures
        bench.table.add("  " + next(line for line in done.stdout.splitlines() if line.startswith("world ")), "FAILED")
