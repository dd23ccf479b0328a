/* api_shapes.c - the members of each call. See api_shapes.h.
 * Source: Amazon ECS API reference 2014-11-13; the agent's own calls: control-plane.md section 1. */
#include "api_shapes.h"

#include <string.h>

#define R           EA_LC_REQUIRED
#define NO          EA_LC_REFUSED
#define SHAPE(list) static const ea_lc_shape list##_shape = EA_LC_SHAPE(list)

/* ---- parts ------------------------------------------------------------------------------------ */

static const ea_lc_member tag[] = { EA_LC_S("key", 0), EA_LC_S("value", 0) };
SHAPE(tag);
static const ea_lc_member pair[] = { EA_LC_S("name", 0), EA_LC_S("value", 0) };
SHAPE(pair);
static const ea_lc_member attribute[] = {
    EA_LC_S("name", R),
    EA_LC_S("value", 0),
    EA_LC_E("targetType", 0, "container-instance"),
    EA_LC_S("targetId", 0),
};
SHAPE(attribute);
static const ea_lc_member constraint[] = {
    EA_LC_E("type", 0, "distinctInstance|memberOf"),
    EA_LC_S("expression", 0),
};
SHAPE(constraint);
static const ea_lc_member taskdef_constraint[] = {
    EA_LC_E("type", 0, "memberOf"),
    EA_LC_S("expression", 0),
};
SHAPE(taskdef_constraint);
static const ea_lc_member strategy[] = {
    EA_LC_E("type", 0, "random|spread|binpack"),
    EA_LC_S("field", 0),
};
SHAPE(strategy);
static const ea_lc_member cluster_setting[] = {
    EA_LC_E("name", 0, "containerInsights"),
    EA_LC_S("value", 0),
};
SHAPE(cluster_setting);

/* ---- task definition -------------------------------------------------------------------------- */

static const ea_lc_member port_mapping[] = {
    EA_LC_I("containerPort", 0),
    EA_LC_I("hostPort", 0),
    EA_LC_E("protocol", 0, "tcp|udp"),
    EA_LC_S("name", 0),
    EA_LC_E("appProtocol", 0, "http|http2|grpc"),
    EA_LC_S("containerPortRange", 0),
};
SHAPE(port_mapping);
static const ea_lc_member env_file[] = { EA_LC_S("value", R), EA_LC_E("type", R, "s3") };
SHAPE(env_file);
static const ea_lc_member mount_point[] = {
    EA_LC_S("sourceVolume", 0),
    EA_LC_S("containerPath", 0),
    EA_LC_B("readOnly", 0),
};
SHAPE(mount_point);
static const ea_lc_member volume_from[] = { EA_LC_S("sourceContainer", 0), EA_LC_B("readOnly", 0) };
SHAPE(volume_from);
static const ea_lc_member secret[] = { EA_LC_S("name", R), EA_LC_S("valueFrom", R) };
SHAPE(secret);
static const ea_lc_member dependency[] = {
    EA_LC_S("containerName", R),
    EA_LC_E("condition", R, "START|COMPLETE|SUCCESS|HEALTHY"),
};
SHAPE(dependency);
static const ea_lc_member host_entry[] = { EA_LC_S("hostname", R), EA_LC_S("ipAddress", R) };
SHAPE(host_entry);
static const ea_lc_member ulimit[] = {
    EA_LC_E("name", R,
            "core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|"
            "sigpending|stack"),
    EA_LC_I("softLimit", R),
    EA_LC_I("hardLimit", R),
};
SHAPE(ulimit);
static const ea_lc_member log_configuration[] = {
    EA_LC_E("logDriver", R, "json-file|syslog|journald|gelf|fluentd|awslogs|splunk|awsfirelens"),
    EA_LC_M("options", 0),
    EA_LC_LO("secretOptions", 0, &secret_shape),
};
SHAPE(log_configuration);
static const ea_lc_member health_check[] = {
    EA_LC_LS("command", R), EA_LC_I("interval", 0),    EA_LC_I("timeout", 0),
    EA_LC_I("retries", 0),  EA_LC_I("startPeriod", 0),
};
SHAPE(health_check);
static const ea_lc_member system_control[] = { EA_LC_S("namespace", 0), EA_LC_S("value", 0) };
SHAPE(system_control);
static const ea_lc_member capabilities[] = { EA_LC_LS("add", 0), EA_LC_LS("drop", 0) };
SHAPE(capabilities);
static const ea_lc_member device[] = {
    EA_LC_S("hostPath", R),
    EA_LC_S("containerPath", 0),
    EA_LC_LE("permissions", 0, "read|write|mknod"),
};
SHAPE(device);
static const ea_lc_member tmpfs[] = {
    EA_LC_S("containerPath", R),
    EA_LC_I("size", R),
    EA_LC_LS("mountOptions", 0),
};
SHAPE(tmpfs);
static const ea_lc_member linux_parameters[] = {
    EA_LC_O("capabilities", 0, &capabilities_shape),
    EA_LC_LO("devices", 0, &device_shape),
    EA_LC_B("initProcessEnabled", 0),
    EA_LC_I("sharedMemorySize", 0),
    EA_LC_LO("tmpfs", 0, &tmpfs_shape),
    EA_LC_I("maxSwap", 0),
    EA_LC_I("swappiness", 0),
};
SHAPE(linux_parameters);
static const ea_lc_member repository_credentials[] = { EA_LC_S("credentialsParameter", R) };
SHAPE(repository_credentials);
static const ea_lc_member restart_policy[] = {
    EA_LC_B("enabled", R),
    EA_LC_LI("ignoredExitCodes", 0),
    EA_LC_I("restartAttemptPeriod", 0),
};
SHAPE(restart_policy);
static const ea_lc_member firelens[] = {
    EA_LC_E("type", R, "fluentd|fluentbit"),
    EA_LC_M("options", 0),
};
SHAPE(firelens);
static const ea_lc_member resource_requirement[] = {
    EA_LC_S("value", R),
    EA_LC_E("type", R, "GPU|InferenceAccelerator"),
};
SHAPE(resource_requirement);

static const ea_lc_member container_definition[] = {
    EA_LC_S("name", 0),
    EA_LC_S("image", 0),
    EA_LC_O("repositoryCredentials", 0, &repository_credentials_shape),
    EA_LC_I("cpu", 0),
    EA_LC_I("memory", 0),
    EA_LC_I("memoryReservation", 0),
    EA_LC_LS("links", 0),
    EA_LC_LO("portMappings", 0, &port_mapping_shape),
    EA_LC_B("essential", 0),
    EA_LC_O("restartPolicy", 0, &restart_policy_shape),
    EA_LC_LS("entryPoint", 0),
    EA_LC_LS("command", 0),
    EA_LC_LO("environment", 0, &pair_shape),
    EA_LC_LO("environmentFiles", 0, &env_file_shape),
    EA_LC_LO("mountPoints", 0, &mount_point_shape),
    EA_LC_LO("volumesFrom", 0, &volume_from_shape),
    EA_LC_O("linuxParameters", 0, &linux_parameters_shape),
    EA_LC_LO("secrets", 0, &secret_shape),
    EA_LC_LO("dependsOn", 0, &dependency_shape),
    EA_LC_I("startTimeout", 0),
    EA_LC_I("stopTimeout", 0),
    EA_LC_S("hostname", 0),
    EA_LC_S("user", 0),
    EA_LC_S("workingDirectory", 0),
    EA_LC_B("disableNetworking", 0),
    EA_LC_B("privileged", 0),
    EA_LC_B("readonlyRootFilesystem", 0),
    EA_LC_LS("dnsServers", 0),
    EA_LC_LS("dnsSearchDomains", 0),
    EA_LC_LO("extraHosts", 0, &host_entry_shape),
    EA_LC_LS("dockerSecurityOptions", 0),
    EA_LC_B("interactive", 0),
    EA_LC_B("pseudoTerminal", 0),
    EA_LC_M("dockerLabels", 0),
    EA_LC_LO("ulimits", 0, &ulimit_shape),
    EA_LC_O("logConfiguration", 0, &log_configuration_shape),
    EA_LC_O("healthCheck", 0, &health_check_shape),
    EA_LC_LO("systemControls", 0, &system_control_shape),
    EA_LC_LO("resourceRequirements", NO, &resource_requirement_shape),
    EA_LC_O("firelensConfiguration", 0, &firelens_shape),
    EA_LC_LS("credentialSpecs", 0),
    /* tags are resolved by the agent alone: nothing here could pin one */
    EA_LC_E("versionConsistency", 0, "enabled|disabled"),
};
SHAPE(container_definition);

static const ea_lc_member host_volume[] = { EA_LC_S("sourcePath", 0) };
SHAPE(host_volume);
static const ea_lc_member docker_volume[] = {
    EA_LC_E("scope", 0, "task|shared"), EA_LC_B("autoprovision", 0), EA_LC_S("driver", 0),
    EA_LC_M("driverOpts", 0),           EA_LC_M("labels", 0),
};
SHAPE(docker_volume);
static const ea_lc_member efs_authorization[] = {
    EA_LC_S("accessPointId", 0),
    EA_LC_E("iam", 0, "ENABLED|DISABLED"),
};
SHAPE(efs_authorization);
static const ea_lc_member efs_volume[] = {
    EA_LC_S("fileSystemId", R),
    EA_LC_S("rootDirectory", 0),
    EA_LC_E("transitEncryption", 0, "ENABLED|DISABLED"),
    EA_LC_I("transitEncryptionPort", 0),
    EA_LC_O("authorizationConfig", 0, &efs_authorization_shape),
};
SHAPE(efs_volume);
static const ea_lc_member fsx_authorization[] = {
    EA_LC_S("credentialsParameter", R),
    EA_LC_S("domain", R),
};
SHAPE(fsx_authorization);
static const ea_lc_member fsx_volume[] = {
    EA_LC_S("fileSystemId", R),
    EA_LC_S("rootDirectory", R),
    EA_LC_O("authorizationConfig", R, &fsx_authorization_shape),
};
SHAPE(fsx_volume);
static const ea_lc_member volume[] = {
    EA_LC_S("name", 0),
    EA_LC_O("host", 0, &host_volume_shape),
    EA_LC_O("dockerVolumeConfiguration", 0, &docker_volume_shape),
    EA_LC_O("efsVolumeConfiguration", 0, &efs_volume_shape),
    EA_LC_O("fsxWindowsFileServerVolumeConfiguration", 0, &fsx_volume_shape),
    EA_LC_B("configuredAtLaunch", NO),
    EA_LC_O("s3filesVolumeConfiguration", NO, NULL),
};
SHAPE(volume);
static const ea_lc_member runtime_platform[] = {
    EA_LC_E("cpuArchitecture", 0, "X86_64|ARM64"),
    EA_LC_E("operatingSystemFamily", 0,
            "LINUX|WINDOWS_SERVER_2016_FULL|WINDOWS_SERVER_2004_CORE|WINDOWS_SERVER_20H2_CORE|"
            "WINDOWS_SERVER_2019_FULL|WINDOWS_SERVER_2019_CORE|WINDOWS_SERVER_2022_FULL|"
            "WINDOWS_SERVER_2022_CORE|WINDOWS_SERVER_2025_FULL|WINDOWS_SERVER_2025_CORE"),
};
SHAPE(runtime_platform);

static const ea_lc_member register_task_definition[] = {
    EA_LC_S("family", R),
    EA_LC_S("taskRoleArn", 0),
    EA_LC_S("executionRoleArn", 0),
    EA_LC_E("networkMode", 0, "bridge|host|awsvpc|none"),
    EA_LC_LO("containerDefinitions", R, &container_definition_shape),
    EA_LC_LO("volumes", 0, &volume_shape),
    EA_LC_LO("placementConstraints", 0, &taskdef_constraint_shape),
    EA_LC_LE("requiresCompatibilities", 0, "EC2|FARGATE|EXTERNAL|MANAGED_INSTANCES"),
    EA_LC_S("cpu", 0),
    EA_LC_S("memory", 0),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_E("pidMode", 0, "host|task"),
    EA_LC_E("ipcMode", 0, "host|task|none"),
    EA_LC_O("proxyConfiguration", NO, NULL),
    EA_LC_LO("inferenceAccelerators", NO, NULL),
    EA_LC_O("ephemeralStorage", NO, NULL),
    EA_LC_O("runtimePlatform", 0, &runtime_platform_shape),
    EA_LC_B("enableFaultInjection", 0),
};
SHAPE(register_task_definition);
static const ea_lc_member describe_task_definition[] = {
    EA_LC_S("taskDefinition", R),
    EA_LC_LE("include", 0, "TAGS"),
};
SHAPE(describe_task_definition);
static const ea_lc_member list_task_definitions[] = {
    EA_LC_S("familyPrefix", 0),     EA_LC_E("status", 0, "ACTIVE|INACTIVE|DELETE_IN_PROGRESS"),
    EA_LC_E("sort", 0, "ASC|DESC"), EA_LC_S("nextToken", 0),
    EA_LC_I("maxResults", 0),
};
SHAPE(list_task_definitions);
static const ea_lc_member list_families[] = {
    EA_LC_S("familyPrefix", 0),
    EA_LC_E("status", 0, "ACTIVE|INACTIVE|ALL"),
    EA_LC_S("nextToken", 0),
    EA_LC_I("maxResults", 0),
};
SHAPE(list_families);
static const ea_lc_member deregister_task_definition[] = { EA_LC_S("taskDefinition", R) };
SHAPE(deregister_task_definition);

/* ---- clusters --------------------------------------------------------------------------------- */

static const ea_lc_member create_cluster[] = {
    EA_LC_S("clusterName", 0),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_LO("settings", 0, &cluster_setting_shape),
    EA_LC_O("configuration", NO, NULL),
    EA_LC_LS("capacityProviders", NO),
    EA_LC_LO("defaultCapacityProviderStrategy", NO, NULL),
    EA_LC_O("serviceConnectDefaults", NO, NULL),
};
SHAPE(create_cluster);
static const ea_lc_member describe_clusters[] = {
    EA_LC_LS("clusters", 0),
    EA_LC_LE("include", 0, "ATTACHMENTS|CONFIGURATIONS|SETTINGS|STATISTICS|TAGS"),
};
SHAPE(describe_clusters);
static const ea_lc_member list_clusters[] = { EA_LC_S("nextToken", 0), EA_LC_I("maxResults", 0) };
SHAPE(list_clusters);
static const ea_lc_member delete_cluster[] = { EA_LC_S("cluster", R) };
SHAPE(delete_cluster);

/* ---- tasks ------------------------------------------------------------------------------------ */

static const ea_lc_member container_override[] = {
    EA_LC_S("name", 0),
    EA_LC_LS("command", 0),
    EA_LC_LO("environment", 0, &pair_shape),
    EA_LC_LO("environmentFiles", 0, &env_file_shape),
    EA_LC_I("cpu", 0),
    EA_LC_I("memory", 0),
    EA_LC_I("memoryReservation", 0),
    EA_LC_LO("resourceRequirements", NO, &resource_requirement_shape),
};
SHAPE(container_override);
static const ea_lc_member task_override[] = {
    EA_LC_LO("containerOverrides", 0, &container_override_shape),
    EA_LC_S("cpu", 0),
    EA_LC_LO("inferenceAcceleratorOverrides", NO, NULL),
    EA_LC_S("executionRoleArn", 0),
    EA_LC_S("memory", 0),
    EA_LC_S("taskRoleArn", 0),
    EA_LC_O("ephemeralStorage", NO, NULL),
};
SHAPE(task_override);
static const ea_lc_member run_task[] = {
    EA_LC_LO("capacityProviderStrategy", NO, NULL),
    EA_LC_S("cluster", 0),
    EA_LC_I("count", 0),
    EA_LC_B("enableECSManagedTags", 0),
    EA_LC_B("enableExecuteCommand", NO),
    EA_LC_S("group", 0),
    EA_LC_E("launchType", 0, "EC2|FARGATE|EXTERNAL|MANAGED_INSTANCES"),
    EA_LC_O("networkConfiguration", NO, NULL),
    EA_LC_O("overrides", 0, &task_override_shape),
    EA_LC_LO("placementConstraints", 0, &constraint_shape),
    EA_LC_LO("placementStrategy", 0, &strategy_shape),
    EA_LC_S("platformVersion", NO),
    EA_LC_E("propagateTags", 0, "TASK_DEFINITION|SERVICE|NONE"),
    EA_LC_S("referenceId", 0),
    EA_LC_S("startedBy", 0),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_S("taskDefinition", R),
    EA_LC_S("clientToken", 0),
    EA_LC_LO("volumeConfigurations", NO, NULL),
};
SHAPE(run_task);
static const ea_lc_member start_task[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LS("containerInstances", R),
    EA_LC_B("enableECSManagedTags", 0),
    EA_LC_B("enableExecuteCommand", NO),
    EA_LC_S("group", 0),
    EA_LC_O("networkConfiguration", NO, NULL),
    EA_LC_O("overrides", 0, &task_override_shape),
    EA_LC_E("propagateTags", 0, "TASK_DEFINITION|SERVICE|NONE"),
    EA_LC_S("referenceId", 0),
    EA_LC_S("startedBy", 0),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_S("taskDefinition", R),
    EA_LC_LO("volumeConfigurations", NO, NULL),
};
SHAPE(start_task);
static const ea_lc_member stop_task[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("task", R),
    EA_LC_S("reason", 0),
};
SHAPE(stop_task);
static const ea_lc_member list_tasks[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("containerInstance", 0),
    EA_LC_S("family", 0),
    EA_LC_S("nextToken", 0),
    EA_LC_I("maxResults", 0),
    EA_LC_S("startedBy", 0),
    EA_LC_S("serviceName", 0),
    EA_LC_E("desiredStatus", 0, "RUNNING|PENDING|STOPPED"),
    EA_LC_E("launchType", 0, "EC2|FARGATE|EXTERNAL|MANAGED_INSTANCES"),
    EA_LC_S("daemonName", NO),
};
SHAPE(list_tasks);
static const ea_lc_member describe_tasks[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LS("tasks", R),
    EA_LC_LE("include", 0, "TAGS"),
};
SHAPE(describe_tasks);
static const ea_lc_member get_protection[] = { EA_LC_S("cluster", R), EA_LC_LS("tasks", 0) };
SHAPE(get_protection);
static const ea_lc_member update_protection[] = {
    EA_LC_S("cluster", R),
    EA_LC_LS("tasks", R),
    EA_LC_B("protectionEnabled", R),
    EA_LC_I("expiresInMinutes", 0),
};
SHAPE(update_protection);

/* ---- services --------------------------------------------------------------------------------- */

static const ea_lc_member deployment_configuration[] = {
    EA_LC_O("deploymentCircuitBreaker", NO, NULL),
    EA_LC_I("maximumPercent", 0),
    EA_LC_I("minimumHealthyPercent", 0),
    EA_LC_O("alarms", NO, NULL),
};
SHAPE(deployment_configuration);
static const ea_lc_member deployment_controller[] = {
    EA_LC_E("type", R, "ECS|CODE_DEPLOY|EXTERNAL"),
};
SHAPE(deployment_controller);
static const ea_lc_member create_service[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("serviceName", R),
    EA_LC_S("taskDefinition", 0),
    EA_LC_LO("loadBalancers", NO, NULL),
    EA_LC_LO("serviceRegistries", NO, NULL),
    EA_LC_I("desiredCount", 0),
    EA_LC_S("clientToken", 0),
    EA_LC_E("launchType", 0, "EC2|FARGATE|EXTERNAL|MANAGED_INSTANCES"),
    EA_LC_LO("capacityProviderStrategy", NO, NULL),
    EA_LC_S("platformVersion", NO),
    EA_LC_S("role", NO),
    EA_LC_O("deploymentConfiguration", 0, &deployment_configuration_shape),
    EA_LC_LO("placementConstraints", 0, &constraint_shape),
    EA_LC_LO("placementStrategy", 0, &strategy_shape),
    EA_LC_O("networkConfiguration", NO, NULL),
    EA_LC_I("healthCheckGracePeriodSeconds", NO),
    EA_LC_E("schedulingStrategy", 0, "REPLICA|DAEMON"),
    EA_LC_O("deploymentController", 0, &deployment_controller_shape),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_B("enableECSManagedTags", NO),
    EA_LC_E("propagateTags", 0, "TASK_DEFINITION|SERVICE|NONE"),
    EA_LC_B("enableExecuteCommand", NO),
    EA_LC_O("serviceConnectConfiguration", NO, NULL),
    EA_LC_LO("volumeConfigurations", NO, NULL),
};
SHAPE(create_service);
static const ea_lc_member update_service[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("service", R),
    EA_LC_I("desiredCount", 0),
    EA_LC_S("taskDefinition", 0),
    EA_LC_LO("capacityProviderStrategy", NO, NULL),
    EA_LC_O("deploymentConfiguration", 0, &deployment_configuration_shape),
    EA_LC_O("networkConfiguration", NO, NULL),
    EA_LC_LO("placementConstraints", 0, &constraint_shape),
    EA_LC_LO("placementStrategy", 0, &strategy_shape),
    EA_LC_S("platformVersion", NO),
    EA_LC_B("forceNewDeployment", 0),
    EA_LC_I("healthCheckGracePeriodSeconds", NO),
    EA_LC_B("enableExecuteCommand", NO),
    EA_LC_B("enableECSManagedTags", NO),
    EA_LC_LO("loadBalancers", NO, NULL),
    EA_LC_E("propagateTags", 0, "TASK_DEFINITION|SERVICE|NONE"),
    EA_LC_LO("serviceRegistries", NO, NULL),
    EA_LC_O("serviceConnectConfiguration", NO, NULL),
    EA_LC_LO("volumeConfigurations", NO, NULL),
};
SHAPE(update_service);
static const ea_lc_member delete_service[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("service", R),
    EA_LC_B("force", 0),
};
SHAPE(delete_service);
static const ea_lc_member describe_services[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LS("services", R),
    EA_LC_LE("include", 0, "TAGS"),
};
SHAPE(describe_services);
static const ea_lc_member list_services[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("nextToken", 0),
    EA_LC_I("maxResults", 0),
    EA_LC_E("launchType", 0, "EC2|FARGATE|EXTERNAL|MANAGED_INSTANCES"),
    EA_LC_E("schedulingStrategy", 0, "REPLICA|DAEMON"),
};
SHAPE(list_services);

/* ---- container instances ---------------------------------------------------------------------- */

#define INSTANCE_STATUS "ACTIVE|DRAINING|REGISTERING|DEREGISTERING|REGISTRATION_FAILED"

static const ea_lc_member list_instances[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("filter", 0),
    EA_LC_S("nextToken", 0),
    EA_LC_I("maxResults", 0),
    EA_LC_E("status", 0, INSTANCE_STATUS),
};
SHAPE(list_instances);
static const ea_lc_member describe_instances[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LS("containerInstances", R),
    EA_LC_LE("include", 0, "TAGS|CONTAINER_INSTANCE_HEALTH"),
};
SHAPE(describe_instances);
static const ea_lc_member deregister_instance[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("containerInstance", R),
    EA_LC_B("force", 0),
};
SHAPE(deregister_instance);
static const ea_lc_member update_instances[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LS("containerInstances", R),
    EA_LC_E("status", R, INSTANCE_STATUS),
};
SHAPE(update_instances);
static const ea_lc_member change_attributes[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LO("attributes", R, &attribute_shape),
};
SHAPE(change_attributes);
static const ea_lc_member list_attributes[] = {
    EA_LC_S("cluster", 0),       EA_LC_E("targetType", R, "container-instance"),
    EA_LC_S("attributeName", 0), EA_LC_S("attributeValue", 0),
    EA_LC_S("nextToken", 0),     EA_LC_I("maxResults", 0),
};
SHAPE(list_attributes);

/* ---- tags ------------------------------------------------------------------------------------- */

static const ea_lc_member tag_resource[] = {
    EA_LC_S("resourceArn", R),
    EA_LC_LO("tags", R, &tag_shape),
};
SHAPE(tag_resource);
static const ea_lc_member untag_resource[] = { EA_LC_S("resourceArn", R), EA_LC_LS("tagKeys", R) };
SHAPE(untag_resource);
static const ea_lc_member list_tags[] = { EA_LC_S("resourceArn", R) };
SHAPE(list_tags);

/* ---- the agent's calls ------------------------------------------------------------------------ */

static const ea_lc_member discover_poll_endpoint[] = {
    EA_LC_S("containerInstance", 0),
    EA_LC_S("cluster", 0),
    EA_LC_S("zoneId", 0),
};
SHAPE(discover_poll_endpoint);
static const ea_lc_member resource[] = {
    EA_LC_S("name", 0),      EA_LC_S("type", 0),         EA_LC_N("doubleValue", 0),
    EA_LC_L("longValue", 0), EA_LC_I("integerValue", 0), EA_LC_LS("stringSetValue", 0),
};
SHAPE(resource);
static const ea_lc_member version_info[] = {
    EA_LC_S("agentVersion", 0),
    EA_LC_S("agentHash", 0),
    EA_LC_S("dockerVersion", 0),
};
SHAPE(version_info);
static const ea_lc_member platform_device[] = {
    EA_LC_S("id", R),
    EA_LC_E("type", R, "GPU|NEURON_DEVICE"),
};
SHAPE(platform_device);
static const ea_lc_member register_instance[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("instanceIdentityDocument", 0),
    EA_LC_S("instanceIdentityDocumentSignature", 0),
    EA_LC_LO("totalResources", 0, &resource_shape),
    EA_LC_O("versionInfo", 0, &version_info_shape),
    EA_LC_S("containerInstanceArn", 0),
    EA_LC_LO("attributes", 0, &attribute_shape),
    EA_LC_LO("platformDevices", 0, &platform_device_shape),
    EA_LC_LO("tags", 0, &tag_shape),
    EA_LC_S("clientToken", 0),
};
SHAPE(register_instance);
static const ea_lc_member network_binding[] = {
    EA_LC_S("bindIP", 0),
    EA_LC_I("containerPort", 0),
    EA_LC_I("hostPort", 0),
    EA_LC_E("protocol", 0, "tcp|udp"),
    EA_LC_S("containerPortRange", 0),
    EA_LC_S("hostPortRange", 0),
};
SHAPE(network_binding);
static const ea_lc_member container_change[] = {
    EA_LC_S("containerName", 0),
    EA_LC_S("imageDigest", 0),
    EA_LC_S("runtimeId", 0),
    EA_LC_I("exitCode", 0),
    EA_LC_LO("networkBindings", 0, &network_binding_shape),
    EA_LC_S("reason", 0),
    EA_LC_S("status", 0),
};
SHAPE(container_change);
static const ea_lc_member attachment_change[] = {
    EA_LC_S("attachmentArn", R),
    EA_LC_S("status", R),
};
SHAPE(attachment_change);
static const ea_lc_member managed_agent_change[] = {
    EA_LC_S("containerName", R),
    EA_LC_E("managedAgentName", R, "ExecuteCommandAgent"),
    EA_LC_S("status", R),
    EA_LC_S("reason", 0),
};
SHAPE(managed_agent_change);
static const ea_lc_member submit_task[] = {
    EA_LC_S("cluster", 0),
    EA_LC_S("task", 0),
    EA_LC_S("status", 0),
    EA_LC_S("reason", 0),
    EA_LC_LO("containers", 0, &container_change_shape),
    EA_LC_LO("attachments", 0, &attachment_change_shape),
    EA_LC_LO("managedAgents", 0, &managed_agent_change_shape),
    EA_LC_T("pullStartedAt", 0),
    EA_LC_T("pullStoppedAt", 0),
    EA_LC_T("executionStoppedAt", 0),
};
SHAPE(submit_task);
static const ea_lc_member submit_container[] = {
    EA_LC_S("cluster", 0),       EA_LC_S("task", 0),
    EA_LC_S("containerName", 0), EA_LC_S("runtimeId", 0),
    EA_LC_S("status", 0),        EA_LC_I("exitCode", 0),
    EA_LC_S("reason", 0),        EA_LC_LO("networkBindings", 0, &network_binding_shape),
};
SHAPE(submit_container);
static const ea_lc_member submit_attachments[] = {
    EA_LC_S("cluster", 0),
    EA_LC_LO("attachments", R, &attachment_change_shape),
};
SHAPE(submit_attachments);

const ea_lc_op_shape ea_lc_op_shapes[] = {
    { "CreateCluster", &create_cluster_shape },
    { "DescribeClusters", &describe_clusters_shape },
    { "ListClusters", &list_clusters_shape },
    { "DeleteCluster", &delete_cluster_shape },
    { "RegisterTaskDefinition", &register_task_definition_shape },
    { "DescribeTaskDefinition", &describe_task_definition_shape },
    { "ListTaskDefinitions", &list_task_definitions_shape },
    { "ListTaskDefinitionFamilies", &list_families_shape },
    { "DeregisterTaskDefinition", &deregister_task_definition_shape },
    { "RunTask", &run_task_shape },
    { "StartTask", &start_task_shape },
    { "StopTask", &stop_task_shape },
    { "ListTasks", &list_tasks_shape },
    { "DescribeTasks", &describe_tasks_shape },
    { "CreateService", &create_service_shape },
    { "UpdateService", &update_service_shape },
    { "DeleteService", &delete_service_shape },
    { "DescribeServices", &describe_services_shape },
    { "ListServices", &list_services_shape },
    { "GetTaskProtection", &get_protection_shape },
    { "UpdateTaskProtection", &update_protection_shape },
    { "ListContainerInstances", &list_instances_shape },
    { "DescribeContainerInstances", &describe_instances_shape },
    { "DeregisterContainerInstance", &deregister_instance_shape },
    { "UpdateContainerInstancesState", &update_instances_shape },
    { "PutAttributes", &change_attributes_shape },
    { "DeleteAttributes", &change_attributes_shape },
    { "ListAttributes", &list_attributes_shape },
    { "TagResource", &tag_resource_shape },
    { "UntagResource", &untag_resource_shape },
    { "ListTagsForResource", &list_tags_shape },
    { "DiscoverPollEndpoint", &discover_poll_endpoint_shape },
    { "RegisterContainerInstance", &register_instance_shape },
    { "SubmitTaskStateChange", &submit_task_shape },
    { "SubmitContainerStateChange", &submit_container_shape },
    { "SubmitAttachmentStateChanges", &submit_attachments_shape },
    { NULL, NULL },
};

const ea_lc_shape *ea_lc_op_shape_find(const char *name)
{
    for (const ea_lc_op_shape *op = ea_lc_op_shapes; op->name; op++)
        if (strcmp(op->name, name) == 0)
            return op->input;
    return NULL;
}

void ea_lc_op_shapes_print(ea_buf *out)
{
    ea_buf_addc(out, '{');
    for (const ea_lc_op_shape *op = ea_lc_op_shapes; op->name; op++) {
        ea_buf_addf(out, "%s\"%s\":", op == ea_lc_op_shapes ? "" : ",\n", op->name);
        ea_lc_shape_print(op->input, out);
    }
    ea_buf_adds(out, "}\n");
}
