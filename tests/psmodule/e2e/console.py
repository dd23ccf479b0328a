"""Runs scripts in the console host inside a world, as a user at that machine would."""
import json
import os
import re
import shutil
import signal
import tempfile

import world as worlds

PSH = os.path.join(worlds.ROOT, "build", "out", "psh")
MANIFEST = os.path.join(worlds.ROOT, "ECSTools.psd1")
DAEMONS = ("ecsagent", "ecslocal")


class Ran:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return "exit code %s\n%s\n%s" % (self.status, self.out, self.err)


class Console:
    def __init__(self, world):
        self.world = world

    def environment(self, **more):
        dotnet = shutil.which("dotnet")
        return self.world.environment(
            DOTNET_ROOT=os.path.dirname(os.path.realpath(dotnet)) if dotnet else None,
            DOTNET_CLI_TELEMETRY_OPTOUT="1", **more)

    def arguments(self, script):
        handle, path = tempfile.mkstemp(suffix=".ps1", dir=self.world.home)
        with os.fdopen(handle, "w") as f:
            f.write("$ErrorActionPreference = 'Stop'\nImport-Module %s\n%s\n" % (MANIFEST, script))
        os.chmod(path, 0o644)
        return [PSH, "-NoProfile", "-File", path]

    def run(self, script, timeout=120, prefix=(), check=0, **env):
        """Runs a script that has the module; `check` is the exit code it must end with, None for any."""
        ran = Ran(*self.world.run([*prefix, *self.arguments(script)], env=self.environment(**env),
                                  timeout=timeout, check=False))
        assert check is None or ran.status == check, "%r\n%s" % (ran, self.world.tails())
        return ran

    def start(self, script, **env):
        return self.world.spawn(self.arguments(script), name="psh", env=self.environment(**env))

    def value(self, expression, **env):
        """What an expression gives, as text."""
        return self.run('"$(%s)"' % expression, **env).out.strip()

    def pids(self, *names):
        return [pid for name in names or DAEMONS for pid in self.world.pids_of(name)]

    def end_all(self):
        for pid in self.pids("psh", "dotnet", *DAEMONS):
            self.world._ask(op="kill", pid=pid, sig=int(signal.SIGKILL), group=False)
        self.world.wait("what the test has left running to end", lambda: not self.pids())
        # from inside: what an overlay shows must not be removed behind its back
        self.world.run(["rm", "-rf", "/etc/ecs", "/usr/local/libexec/ecs"])

    def snapshot(self):
        """Every file that the machine's own places hold in this world, with size and time."""
        found = {}
        for place in ("over/etc/up", "over/usr/local/up", "var/lib/ecs", "var/log/ecs", "run/ecs"):
            top = os.path.join(self.world.dir, place)
            for folder, _dirs, files in os.walk(top):
                found[os.path.relpath(folder, self.world.dir)] = "folder"
                for file in files:
                    path = os.path.join(folder, file)
                    s = os.lstat(path)
                    found[os.path.relpath(path, self.world.dir)] = (s.st_size, s.st_mtime_ns)
        return found

    def aws(self, ran, *args, service="ecs"):
        """`aws ecs ARGS` (or another service's) with the variables that Start-ECSLocalCluster told the user to set."""
        env = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^\s*export (.*)$", ran.out, re.M).group(1)))
        endpoint = re.search(r"http://127\.0\.0\.1:\d+", ran.out).group(0)
        env.setdefault("AWS_PAGER", "")
        _status, out, _err = self.world.run(
            ["/usr/bin/aws", service, *args, "--endpoint-url", endpoint, "--output", "json"],
            env=self.world.environment(**env))
        return json.loads(out) if out.strip() else None
