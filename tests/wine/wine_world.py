"""A test world (tests/integ/world.py) with Windows programs in it: a Wine prefix of its own, laid over
the checkout's, whose server and services live in the world's namespaces and vanish with them."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integ"))

import world as worlds  # noqa: E402

WIN_OUT = os.path.join(os.environ.get("ECSTOOLS_OUT") or os.path.join(worlds.ROOT, "build", "out"), "windows")
LOADER = "/usr/lib/wine/wine64"
PREFIX = "/run/wine/prefix"
PIPE = "\\\\.\\pipe\\docker_engine"
RELAY_PORT = 2375
PROGRAM_DATA = "C:\\ProgramData\\Amazon\\ECS"


def wine_settings():
    """The prefix's settings as build/wine.sh has them, the prefix made first if there is none."""
    script = os.path.join(worlds.ROOT, "build", "wine.sh")
    subprocess.run([script, "--init"], check=True, stdin=subprocess.DEVNULL)
    told = subprocess.run([script, "--env"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(re.findall(r'^export (\w+)="([^"]*)"', told, re.M))


class WineWorld(worlds.World):
    def __init__(self, name="wine"):
        super().__init__(name)
        told = wine_settings()
        self.wine_env = {**told, "WINEPREFIX": PREFIX}
        up, work = os.path.join(self.dir, "wine-up"), os.path.join(self.dir, "wine-work")
        for folder in (up, work, os.path.join(self.dir, "run", "wine", "prefix")):
            os.makedirs(folder)
        self.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (
            told["WINEPREFIX"], up, work), PREFIX])
        self.relay = None
        self._keep()

    def _keep(self):
        """Wine ends services when no ordinary program runs: one is kept."""
        self.keeper = self.spawn_windows([os.path.join(WIN_OUT, "tests", "wine", "win_tool.exe"), "stay"],
                                         name="keeper")
        self.wait("Wine to run", lambda: "ready" in self.keeper.text(), 60, needs=[self.keeper])

    def restart_wine(self):
        """All Windows programs end, Wine's server too, and Wine starts anew; the relay as it was."""
        relay = self.relay is not None
        self.stop_relay()
        self.run(["/usr/lib/wine/wineserver64", "-k"], check=False)
        self.keeper.wait(20)
        self._keep()
        if relay:
            self.start_relay()

    def path(self, windows_path):
        """Where a C: path lies, seen from outside the world."""
        inside = windows_path.replace("\\", "/")
        assert inside[:3].lower() == "c:/"
        # the overlay's upper folder holds all that the world has written
        return os.path.join(self.dir, "wine-up", "drive_c", inside[3:])

    def inside(self, windows_path):
        """Where a C: path lies, seen from inside."""
        return PREFIX + "/drive_c/" + windows_path.replace("\\", "/")[3:]

    def remove(self, windows_path):
        """Deletes a file from inside: the overlay must know of it."""
        self.run(["rm", "-f", self.inside(windows_path)])

    def environment(self, **more):
        env = super().environment(**more)
        env.update(getattr(self, "wine_env", {}))
        return env

    def spawn_windows(self, argv, name=None, env=None, **more):
        return self.spawn([LOADER, *argv], name=name or os.path.basename(argv[0]), env=env, **more)

    def tool(self, *args, timeout=60, check=True):
        """win_tool.exe with these words; answers (status, output)."""
        status, out, err = self.run([LOADER, os.path.join(WIN_OUT, "tests", "wine", "win_tool.exe"), *args],
                                    timeout=timeout, check=check)
        return status, (out + err).replace("\r", "")

    # ---- the pipe --------------------------------------------------------------------------------

    def start_relay(self, *options, port=RELAY_PORT):
        self.relay = self.spawn_windows([os.path.join(WIN_OUT, "tests", "wine", "pipe_relay.exe"), PIPE,
                                         str(port), *map(str, options)], name="pipe_relay")
        self.wait("the pipe to be there", lambda: "ready" in self.relay.text(), 30, needs=[self.relay])

    def stop_relay(self):
        if self.relay:
            self.relay.end(9)
            self.relay = None

    # ---- the agent -------------------------------------------------------------------------------

    def agent_environment(self, plane, **more):
        """The variables an operator sets on Windows, and nothing else."""
        return super().agent_environment(plane, **{
            "DOCKER_HOST": "npipe:////./pipe/docker_engine", "ECS_DATADIR": PROGRAM_DATA + "\\data",
            "ECS_AUDIT_LOGFILE": PROGRAM_DATA + "\\log\\audit.log", "ECS_ENABLE_TASK_IAM_ROLE": None, **more})

    def start_agent(self, plane, **more):
        """Starts ecsagent.exe in console mode."""
        self.agent = self.spawn_windows([os.path.join(WIN_OUT, "ecsagent.exe")], name="ecsagent",
                                        env=self.agent_environment(plane, **more))
        return self.agent

    def start_windows_local(self, port=51670):
        """Starts ecslocal.exe and waits until it answers; answers what agent_environment() needs."""
        self.local_proc = self.spawn_windows(
            [os.path.join(WIN_OUT, "ecslocal.exe"), "--data-dir", PROGRAM_DATA + "\\local", "--port", port,
             "--region", worlds.REGION], name="ecslocal", env=self.environment())
        local = worlds.Local(self, "http://127.0.0.1:%d" % port)

        def answers():
            told = self.get(local.base + "/local/v1/status").json()
            local.key = (told["accessKeyId"], told["secretAccessKey"], None)
            return True
        self.wait("ecslocal.exe to answer", answers, 15, needs=[self.local_proc])
        return local

    def cpu_s(self, process):
        """Seconds of CPU that this process alone has used."""
        fields = process.proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def reset(self):
        """Agent, relay and all state of a test go; Wine stays."""
        self.stop_agent()
        for fn in self.before_close:
            fn()
        self.before_close = []
        self.stop_local()
        self.stop_relay()
        if self.docker_proc and self.docker_proc.running:
            self.unhang_docker()
            self.remove_containers()
        self.tool("clean", PROGRAM_DATA)
        for file in os.listdir(self.logs):
            if not file.endswith(("-dockerd.log", "init.log", "-keeper.log")):
                os.unlink(os.path.join(self.logs, file))


class RegistryValues:
    """Values of a key below HKEY_LOCAL_MACHINE while the block lasts; then what was there before."""

    def __init__(self, world, key, **values):
        self.world, self.key, self.values, self.before = world, key, values, {}

    def __enter__(self):
        _status, text = self.world.tool("reg-list", self.key)
        now = dict(line.partition("=")[::2] for line in text.splitlines())
        for name, value in self.values.items():
            self.before[name] = now.get(name)
            self._set(name, value)

    def __exit__(self, *_error):
        for name, value in self.before.items():
            self._set(name, value)

    def _set(self, name, value):
        words = ["add", "/d", value] if value is not None else ["delete"]
        self.world.run([LOADER, "reg", words[0], "HKLM\\" + self.key, "/v", name, *words[1:], "/f"])
