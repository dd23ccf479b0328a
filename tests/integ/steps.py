"""What most tests do: join, run a task, stop it."""
import plain_plane as pp
import world as worlds

TERM_WAIT = "trap 'exit 0' TERM; sleep 3600 & wait"
PAGE = ("echo '<h1>Amazon ECS Sample App</h1> Congratulations!' > /www/index.html; "
        "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait")
CLUSTER_LABEL = "com.amazonaws.ecs.cluster"
TASK_LABEL = "com.amazonaws.ecs.task-arn"
NAME_LABEL = "com.amazonaws.ecs.container-name"


def sh(script):
    return ["sh", "-c", script]


def sleeper(name="main", **members):
    return pp.container(name, command=sh(TERM_WAIT), **members)


def joined(world, plane, timeout=20, **env):
    """Starts the agent and waits until it is registered and connected."""
    agent = world.start_agent(plane, **env)
    world.wait("the ACS session", plane.acs, timeout, needs=[agent])
    return agent


def waits(world):
    """The agent's open waits by name."""
    return {w["name"]: w for w in world.status()["waits"]}


def wait_reason(world, name, *words, timeout=20, agent=None):
    """Waits until the agent says that it waits for `name` and its error holds all `words`."""
    def look():
        found = waits(world)[name]
        text = found["lastError"] or ""
        return found if text and all(w.lower() in text.lower() for w in words) else None
    return world.wait("the reason of '%s' to hold %r" % (name, words), look, timeout,
                      needs=[agent or world.agent])


def run(world, plane, *containers, timeout=30, arn=None, wait=True, **members):
    """Sends one task and waits until RUNNING is reported; answers its ARN."""
    arn = arn or plane.task_arn()
    plane.payload(pp.task(arn, *(containers or (sleeper(),)), **members))
    if wait:
        reported(world, plane, arn, "RUNNING", timeout)
    return arn


def stop(world, plane, arn, timeout=40):
    """Sends desired status STOPPED and waits for the report; answers its body."""
    plane.payload(pp.task(arn, sleeper(), desiredStatus="STOPPED"))
    return reported(world, plane, arn, "STOPPED", timeout)


def reported(world, plane, arn, status, timeout=30):
    """The first report of the task with this status; one that ended instead is told at once."""
    def look():
        bodies = plane.submits(arn)
        found = next((b for b in bodies if b["status"] == status), None)
        if found is None and bodies and bodies[-1]["status"] == "STOPPED":
            raise worlds.Ended("STOPPED was reported instead of %s: %r\n%s" % (status, bodies[-1], world.tails()))
        return found
    return world.wait("%s of %s to be reported" % (status, arn.rsplit("/", 1)[-1]), look, timeout,
                      needs=[world.agent])


def one_container(world, arn, name="main"):
    """The only Docker container of a task's container; a second one is a failure."""
    found = [c for c in world.ecs_containers(arn) if c["Labels"][NAME_LABEL] == name]
    assert len(found) == 1, "%d containers for %s of %s" % (len(found), name, arn)
    return found[0]
