# The main job, step by step: each command is shown before it runs.
$ErrorActionPreference = 'Stop'

function Show($text) { [Console]::WriteLine("`nPS> $text") }
function Say($text) { [Console]::WriteLine($text) }

# A native command that fails ends the demo and says which.
function Check($what) {
    if ($global:LASTEXITCODE -ne 0) { throw "$what ended with exit code $global:LASTEXITCODE" }
}

function Wait-TaskStatus($arn, $wanted) {
    for ($i = 0; $i -lt 120; $i++) {
        $status = aws ecs describe-tasks --endpoint-url $endpoint --cluster MyCluster --tasks $arn `
            --query 'tasks[0].lastStatus' --output text
        Check 'aws ecs describe-tasks'
        if ($status -ne $last) { Say "    $status" }
        if ($status -eq $wanted) { return }
        $last = $status
        [System.Threading.Thread]::Sleep(250)
    }
    throw "the task is $status and did not become $wanted within a minute"
}

Show 'Import-Module ./ECSTools.psd1'
Import-Module ./ECSTools.psd1

Show 'Start-ECSLocalCluster'
$local = Start-ECSLocalCluster -PassThru
$local | Out-Default
$endpoint = $local.Endpoint
# The key pair for aws, as printed above.
. ([scriptblock]::Create($local.ShellLines[1]))

Show 'Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole'
Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole

Show 'Get-ECSAgent'
Get-ECSAgent | Out-Default

Show "aws ecs register-task-definition --endpoint-url $endpoint --cli-input-json file://build/demo/simple-web.json"
aws ecs register-task-definition --endpoint-url $endpoint --cli-input-json file://build/demo/simple-web.json `
    --query 'taskDefinition.taskDefinitionArn' --output text
Check 'aws ecs register-task-definition'

Show "aws ecs run-task --endpoint-url $endpoint --cluster MyCluster --task-definition simple-web"
$arn = aws ecs run-task --endpoint-url $endpoint --cluster MyCluster --task-definition simple-web `
    --query 'tasks[0].taskArn' --output text
Check 'aws ecs run-task'
Say $arn
Wait-TaskStatus $arn 'RUNNING'

Show 'curl http://127.0.0.1:8080/'
curl -sS --fail --retry 20 --retry-delay 0 --retry-connrefused http://127.0.0.1:8080/
Check 'curl'

Show 'Get-ECSAgentTask'
Get-ECSAgentTask | Out-Default
$task = Get-ECSAgentTask -TaskArn $arn
$id = $task.Containers[0].DockerId

Show 'docker exec <container> wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
$answer = docker exec $id sh -c 'wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
Check 'the request for role credentials'
Say ($answer -replace '("(SecretAccessKey|Token)":")[^"]*', '$1...')

$used = Get-ECSAgentTask -TaskArn $arn
if ($null -ne $used.CpuPercent) {
    Say "`nThe task uses $('{0:0.0}' -f $used.CpuPercent) % of the CPU and $($used.MemoryUsed) MiB of memory."
}

Show "aws ecs stop-task --endpoint-url $endpoint --cluster MyCluster --task $arn"
aws ecs stop-task --endpoint-url $endpoint --cluster MyCluster --task $arn --query 'task.desiredStatus' --output text
Check 'aws ecs stop-task'
Wait-TaskStatus $arn 'STOPPED'

Show 'Get-ECSAgentTask'
Get-ECSAgentTask | Out-Default

$agent = Get-ECSAgent
Say "`nStill running: the service AmazonECS (process $($agent.ProcessId)), the local control plane (process $($local.ProcessId)) at $endpoint, the Docker Engine."
Say "End them with: make demo-down"
