"""Bad input and trouble: what the user reads, the exit code, and what is left."""
import re
import signal

from test_main_job import JOIN

TELL = """
try { %s }
catch { "id=$($_.FullyQualifiedErrorId.Split(',')[0])"; "text=$($_.Exception.Message)" }
exit $LASTEXITCODE
"""


def told(ran):
    return re.search(r"^id=(.*)$", ran.out, re.M).group(1), re.search(r"^text=(.*)$", ran.out, re.M).group(1)


def test_a_dead_endpoint_is_named_after_the_timeout_and_the_service_keeps_trying(console):
    ran = console.run(TELL % "Initialize-ECSAgent -Cluster MyCluster -TimeoutSec 5", check=1,
                      ECS_BACKEND_HOST="http://127.0.0.1:9", AWS_DEFAULT_REGION="us-west-2",
                      AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    error, text = told(ran)
    assert error == "ECSTimeout"
    assert "127.0.0.1:9" in text and "next try" in text
    seen = console.run("$a = Get-ECSAgent; \"$($a.State)\"; $a.Waits | % { $_.Name + '|' + $_.LastError }").out
    assert seen.startswith("Waiting\n")
    assert "127.0.0.1:9" in seen
    assert len(console.pids("ecsagent")) == 1


def test_an_absent_docker_is_named_and_once_it_is_there_the_agent_connects_by_itself(console):
    console.world.stop_docker()
    ran = console.run(JOIN.replace("Initialize-ECSAgent", "try { Initialize-ECSAgent -TimeoutSec 5") +
                      " } catch { \"id=$($_.FullyQualifiedErrorId.Split(',')[0])\"; \"text=$($_.Exception.Message)\" }\n"
                      "exit $LASTEXITCODE", check=1)
    error, text = told(ran)
    assert error == "ECSTimeout"
    assert "docker" in text.lower()
    console.world.start_docker()
    console.world.wait("the agent to connect", lambda: console.value("(Get-ECSAgent).State") == "Connected", 60)


def test_without_rights_it_says_so_and_touches_nothing(console):
    before = console.snapshot()
    ran = console.run(TELL % "Initialize-ECSAgent -Cluster MyCluster", check=5,
                      prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                              # nobody, but able to read a checkout that is closed to others
                              "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"])
    error, text = told(ran)
    assert error == "ECSDenied"
    assert "root" in text
    assert console.snapshot() == before


def test_another_cluster_than_the_stored_one_needs_force(console):
    console.run(JOIN)
    ran = console.run("Start-ECSLocalCluster\n" + TELL % "Initialize-ECSAgent -Cluster Other", check=5)
    error, text = told(ran)
    assert error == "ECSConflict"
    assert "MyCluster" in text and "Other" in text and "-Force" in text
    assert console.value("(Get-ECSAgent).Cluster") == "MyCluster"
    console.run("Start-ECSLocalCluster\nInitialize-ECSAgent -Cluster Other -Force\nexit $LASTEXITCODE")
    assert console.value("(Get-ECSAgent).Cluster") == "Other"


def test_an_interrupt_ends_the_cmdlet_and_leaves_the_service(console):
    console.world.stop_docker()
    waiting = console.start("Start-ECSLocalCluster\nInitialize-ECSAgent -Cluster MyCluster\n'not reached'")
    console.world.wait("the agent's process", lambda: console.pids("ecsagent"), 60, needs=[waiting])
    waiting.kill(signal.SIGINT)
    assert waiting.wait(20) == 130
    assert "not reached" not in waiting.text()
    assert len(console.pids("ecsagent")) == 1
    console.world.start_docker()
    console.world.wait("the agent to connect", lambda: console.value("(Get-ECSAgent).State") == "Connected", 60)


def test_a_list_of_drivers_that_is_no_json_is_an_operator_s_error(console):
    ran = console.run(TELL % "Initialize-ECSAgent -Cluster MyCluster -LoggingDrivers 'json-file'", check=5)
    error, text = told(ran)
    assert error in ("ECSInvalid", "ECSSettings")
    assert "json-file" in text
    assert console.pids() == []


def test_with_nothing_installed_looking_is_no_error_and_starting_is(console):
    ran = console.run("""
"state=$((Get-ECSAgent).State)"
foreach ($text in 'Start-ECSAgent', 'Get-ECSAgentTask') {
    try { & ([scriptblock]::Create($text)) } catch { "$text $($_.FullyQualifiedErrorId.Split(',')[0]) $($_.Exception.Message)" }
}
Stop-ECSAgent
Uninstall-ECSAgent -Confirm:$false
Stop-ECSLocalCluster
'end'
""")
    assert ran.out.startswith("state=NotInstalled\n")
    assert "Start-ECSAgent ECSNotFound" in ran.out and "Initialize-ECSAgent" in ran.out
    assert "Get-ECSAgentTask ECS" in ran.out
    assert ran.out.endswith("end\n")
