/* config.h - the settings table: variable, key, type, default, range, and whether its feature is
 * live. Sources, highest first: process environment, JSON file, ecs.config, user data, default.
 * Thread: loaded before the loop starts, then read-only but for the user data that IMDS brings.
 * Knows: names, defaults and ranges (task-engine.md section 8). Does not know: what a setting does. */
#ifndef EA_AGENT_CONFIG_H
#define EA_AGENT_CONFIG_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/json.h"
#include "../model/model.h"

typedef enum ea_set_type {
    EA_SET_STR,
    EA_SET_BOOL,
    EA_SET_INT,
    EA_SET_DURATION, /* Go syntax; integer nanoseconds in the JSON file */
    EA_SET_JSON_LIST,
    EA_SET_JSON_MAP,
    EA_SET_CSV,
} ea_set_type;

enum {
    EA_SETF_LATER = 1,   /* never read: setting it logs one warning that it has no effect */
    EA_SETF_SECRET = 2,  /* printed as *** */
    EA_SETF_WIN = 4,     /* Windows only; ignored elsewhere with a warning */
    EA_SETF_LINUX = 8,   /* Linux only */
    EA_SETF_STRICT = 16, /* a value that does not parse ends the start (exit 5) */
    EA_SETF_DEFAULT = 32 /* below the range: the default; else the lowest value is taken */
};

/* One row: id, variable, JSON key, type, default on Linux, default on Windows, lowest, highest,
 * flags, help. Ranges: of the number, of the duration in ms; highest 0 is no upper bound. */
/* clang-format off */
#define EA_SETTINGS(X) \
    X(CLUSTER, "ECS_CLUSTER", "Cluster", STR, "", "", 0, 0, 0, "cluster to join; empty: default") \
    X(BACKEND_HOST, "ECS_BACKEND_HOST", "APIEndpoint", STR, "", "", 0, 0, 0, "ECS endpoint, https:// unless it names a scheme") \
    X(REGION, "AWS_DEFAULT_REGION", "AWSRegion", STR, "", "", 0, 0, 0, "AWS region; empty: from instance metadata") \
    X(DOCKER_HOST, "DOCKER_HOST", "DockerEndpoint", STR, "unix:///var/run/docker.sock", "npipe:////./pipe/docker_engine", 0, 0, EA_SETF_STRICT, "Docker Engine endpoint, unix:// or npipe://") \
    X(DATADIR, "ECS_DATADIR", "DataDir", STR, "", "", 0, 0, 0, "directory of the state; empty: the default place") \
    X(RUNDIR, "ECSTOOLS_RUNDIR", NULL, STR, "", "", 0, 0, 0, "directory of the control socket; empty: the default place") \
    X(CONFIG_FILE, "ECS_AGENT_CONFIG_FILE_PATH", NULL, STR, "", "", 0, 0, 0, "JSON file with settings") \
    X(CONFIG_ENV_FILE, "ECSTOOLS_CONFIG", NULL, STR, "", "", 0, 0, 0, "file of KEY=VALUE lines; empty: the default place") \
    X(CHECKPOINT, "ECS_CHECKPOINT", "Checkpoint", BOOL, "", "", 0, 0, EA_SETF_LATER, "state is always kept") \
    X(HOST_DATA_DIR, "ECS_HOST_DATA_DIR", "HostDataDir", STR, "", "", 0, 0, EA_SETF_LATER, "data directory as the host sees it") \
    X(RESERVED_PORTS, "ECS_RESERVED_PORTS", "ReservedPorts", JSON_LIST, "[22,2375,2376,51678,51679]", "[53,135,139,445,2375,2376,3389,5985,5986,51678,51679]", 0, 0, 0, "TCP ports kept from tasks") \
    X(RESERVED_PORTS_UDP, "ECS_RESERVED_PORTS_UDP", "ReservedPortsUDP", JSON_LIST, "[]", "[]", 0, 0, 0, "UDP ports kept from tasks") \
    X(RESERVED_MEMORY, "ECS_RESERVED_MEMORY", "ReservedMemory", INT, "0", "0", 0, 65535, 0, "MiB kept from tasks") \
    X(ENGINE_AUTH_TYPE, "ECS_ENGINE_AUTH_TYPE", "EngineAuthType", STR, "", "", 0, 0, 0, "docker or dockercfg: form of ECS_ENGINE_AUTH_DATA") \
    X(ENGINE_AUTH_DATA, "ECS_ENGINE_AUTH_DATA", "EngineAuthData", STR, "", "", 0, 0, EA_SETF_SECRET, "registry credentials") \
    X(UPDATES_ENABLED, "ECS_UPDATES_ENABLED", "UpdatesEnabled", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "in-place updates") \
    X(UPDATE_DOWNLOAD_DIR, "ECS_UPDATE_DOWNLOAD_DIR", "UpdateDownloadDir", STR, "", "", 0, 0, EA_SETF_LATER, "where updates go") \
    X(DISABLE_METRICS, "ECS_DISABLE_METRICS", "DisableMetrics", BOOL, "false", "false", 0, 0, 0, "no statistics of containers") \
    X(POLL_METRICS, "ECS_POLL_METRICS", "PollMetrics", BOOL, "false", "false", 0, 0, 0, "poll statistics instead of streaming them") \
    X(POLLING_METRICS_WAIT, "ECS_POLLING_METRICS_WAIT_DURATION", "PollingMetricsWaitDuration", DURATION, "10s", "10s", 5000, 20000, 0, "time between polls") \
    X(STATS_SOURCE, "ECSTOOLS_STATS_SOURCE", NULL, STR, "auto", "auto", 0, 0, 0, "auto, engine or cgroup: where statistics of containers are read") \
    X(DISABLE_HEALTH_CHECK, "ECS_DISABLE_DOCKER_HEALTH_CHECK", "DisableDockerHealthCheck", BOOL, "false", "false", 0, 0, 0, "container health is neither promised nor reported") \
    X(PULL_DEPENDENT_UPFRONT, "ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT", "DependentContainersPullUpfront", BOOL, "false", "false", 0, 0, 0, "pull images before dependencies are met") \
    X(LOGGING_DRIVERS, "ECS_AVAILABLE_LOGGING_DRIVERS", "AvailableLoggingDrivers", JSON_LIST, "[\"json-file\",\"none\"]", "[\"json-file\",\"none\",\"awslogs\"]", 0, 0, EA_SETF_STRICT, "log drivers promised to ECS") \
    X(DISABLE_PRIVILEGED, "ECS_DISABLE_PRIVILEGED", "PrivilegedDisabled", BOOL, "false", "false", 0, 0, 0, "privileged containers are not promised") \
    X(SELINUX, "ECS_SELINUX_CAPABLE", "SELinuxCapable", BOOL, "false", "false", 0, 0, 0, "promise SELinux") \
    X(APPARMOR, "ECS_APPARMOR_CAPABLE", "AppArmorCapable", BOOL, "false", "false", 0, 0, 0, "promise AppArmor") \
    X(TASK_CLEANUP_WAIT, "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "TaskCleanupWaitDuration", DURATION, "3h", "3h", 1000, 0, EA_SETF_DEFAULT, "how long stopped tasks stay") \
    X(TASK_CLEANUP_JITTER, "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER", "TaskCleanupWaitDurationJitter", DURATION, "0s", "0s", 0, 0, 0, "random addition to it") \
    X(MANIFEST_PULL_TIMEOUT, "ECS_MANIFEST_PULL_TIMEOUT", "ManifestPullTimeout", DURATION, "1m", "1m", 30000, 0, 0, "limit of a digest look-up") \
    X(CONTAINER_STOP_TIMEOUT, "ECS_CONTAINER_STOP_TIMEOUT", "DockerStopTimeout", DURATION, "30s", "30s", 1000, 0, 0, "grace between stop signal and kill") \
    X(CONTAINER_START_TIMEOUT, "ECS_CONTAINER_START_TIMEOUT", "ContainerStartTimeout", DURATION, "3m", "8m", 45000, 0, 0, "limit of a container start") \
    X(CONTAINER_CREATE_TIMEOUT, "ECS_CONTAINER_CREATE_TIMEOUT", "ContainerCreateTimeout", DURATION, "4m", "4m", 60000, 0, 0, "limit of a container create") \
    X(IMAGE_PULL_BEHAVIOR, "ECS_IMAGE_PULL_BEHAVIOR", "ImagePullBehavior", STR, "default", "default", 0, 0, 0, "default, always, once or prefer-cached") \
    X(IMAGE_PULL_INACTIVITY, "ECS_IMAGE_PULL_INACTIVITY_TIMEOUT", "ImagePullInactivityTimeout", DURATION, "1m", "3m", 60000, 0, 0, "longest silence in a pull") \
    X(IMAGE_PULL_TIMEOUT, "ECS_IMAGE_PULL_TIMEOUT", "ImagePullTimeout", DURATION, "2h", "2h", 60000, 0, 0, "limit of an image pull") \
    X(DISABLE_IMAGE_CLEANUP, "ECS_DISABLE_IMAGE_CLEANUP", "ImageCleanupDisabled", BOOL, "false", "false", 0, 0, 0, "images are never removed") \
    X(IMAGE_CLEANUP_INTERVAL, "ECS_IMAGE_CLEANUP_INTERVAL", "ImageCleanupInterval", DURATION, "30m", "30m", 600000, 0, EA_SETF_DEFAULT, "time between image clean-ups") \
    X(IMAGE_MIN_AGE, "ECS_IMAGE_MINIMUM_CLEANUP_AGE", "MinimumImageDeletionAge", DURATION, "1h", "1h", 0, 0, 0, "youngest image that may go") \
    X(IMAGE_DISK_HIGH, "ECSTOOLS_IMAGE_DISK_HIGH_PERCENT", NULL, INT, "85", "85", 0, 100, 0, "use of Docker's disk at which unused images go whatever their age; 0: never") \
    X(IMAGE_DISK_LOW, "ECSTOOLS_IMAGE_DISK_LOW_PERCENT", NULL, INT, "75", "75", 0, 100, 0, "use of the disk down to which they go") \
    X(IMAGE_DISK_RESERVE, "ECSTOOLS_IMAGE_DISK_RESERVE_MIB", NULL, INT, "256", "256", 0, 1048576, 0, "MiB of the disk that no pull may touch") \
    X(NON_ECS_IMAGE_MIN_AGE, "NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE", "NonECSMinimumImageDeletionAge", DURATION, "1h", "1h", 0, 0, 0, "the same for images of others") \
    X(IMAGES_PER_CYCLE, "ECS_NUM_IMAGES_DELETE_PER_CYCLE", "NumImagesToDeletePerCycle", INT, "5", "5", 1, 10000, 0, "images removed at once") \
    X(CONTAINERS_PER_CYCLE, "NONECS_NUM_CONTAINERS_DELETE_PER_CYCLE", "NumNonECSContainersToDeletePerCycle", INT, "5", "5", 1, 10000, 0, "containers of others removed at once") \
    X(UNTRACKED_CLEANUP, "ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP", "DeleteNonECSImagesEnabled", BOOL, "false", "false", 0, 0, 0, "remove ended containers and unused images of others too") \
    X(EXCLUDE_UNTRACKED, "ECS_EXCLUDE_UNTRACKED_IMAGE", "ImageCleanupExclusionList", CSV, "", "", 0, 0, 0, "images that stay") \
    X(INSTANCE_ATTRIBUTES, "ECS_INSTANCE_ATTRIBUTES", "InstanceAttributes", JSON_MAP, "{}", "{}", 0, 0, EA_SETF_STRICT, "custom attributes of the instance") \
    X(INSTANCE_TAGS, "ECS_CONTAINER_INSTANCE_TAGS", "ContainerInstanceTags", JSON_MAP, "{}", "{}", 0, 0, EA_SETF_STRICT, "tags of the container instance") \
    X(PROPAGATE_TAGS, "ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "ContainerInstancePropagateTagsFrom", STR, "none", "none", 0, 0, EA_SETF_LATER, "none or ec2_instance") \
    X(TASK_IAM_ROLE, "ECS_ENABLE_TASK_IAM_ROLE", "TaskIAMRoleEnabled", BOOL, "false", "false", 0, 0, 0, "give tasks their role credentials") \
    X(TASK_IAM_ROLE_HOST, "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST", "TaskIAMRoleEnabledForNetworkHost", BOOL, "false", "false", 0, 0, EA_SETF_LINUX, "also with the host's network") \
    X(AWSLOGS_EXECUTION_ROLE, "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE", "OverrideAWSLogsExecutionRole", BOOL, "false", "false", 0, 0, 0, "awslogs with the execution role of the task") \
    X(CREDENTIAL_PROFILE, "ECS_ALTERNATE_CREDENTIAL_PROFILE", "AlternateCredentialProfile", STR, "", "", 0, 0, 0, "profile in the shared credentials file; empty: AWS_PROFILE or default") \
    X(AUDIT_LOGFILE, "ECS_AUDIT_LOGFILE", "CredentialsAuditLogFile", STR, "", "", 0, 0, 0, "file of the credentials audit; empty: the default place") \
    X(AUDIT_DISABLED, "ECS_AUDIT_LOGFILE_DISABLED", "CredentialsAuditLogDisabled", BOOL, "false", "false", 0, 0, 0, "no credentials audit") \
    X(TASK_ENI, "ECS_ENABLE_TASK_ENI", "TaskENIEnabled", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "awsvpc network mode") \
    X(HIGH_DENSITY_ENI, "ECS_ENABLE_HIGH_DENSITY_ENI", "ENITrunkingEnabled", BOOL, "true", "false", 0, 0, EA_SETF_LATER, "trunk interfaces") \
    X(CNI_PATH, "ECS_CNI_PLUGINS_PATH", "CNIPluginsPath", STR, "", "", 0, 0, EA_SETF_LATER, "CNI plugins") \
    X(AWSVPC_BLOCK_IMDS, "ECS_AWSVPC_BLOCK_IMDS", "AWSVPCBlockInstanceMetdata", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "no instance metadata for awsvpc tasks") \
    X(AWSVPC_ROUTES, "ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES", "AWSVPCAdditionalLocalRoutes", JSON_LIST, "[]", "[]", 0, 0, EA_SETF_LATER, "more routes for awsvpc tasks") \
    X(CONTAINER_METADATA, "ECS_ENABLE_CONTAINER_METADATA", "ContainerMetadataEnabled", BOOL, "false", "false", 0, 0, 0, "metadata file in containers") \
    X(TASK_CPU_MEM_LIMIT, "ECS_ENABLE_TASK_CPU_MEM_LIMIT", "TaskCPUMemLimit", BOOL, "true", "false", 0, 0, EA_SETF_LINUX, "limits of whole tasks") \
    X(CGROUP_PATH, "ECS_CGROUP_PATH", "CgroupPath", STR, "/sys/fs/cgroup", "", 0, 0, EA_SETF_LINUX, "root of the control groups") \
    X(CGROUP_CPU_PERIOD, "ECS_CGROUP_CPU_PERIOD", "CgroupCPUPeriod", DURATION, "100ms", "", 8, 100, EA_SETF_LINUX, "CPU period of task limits") \
    X(TASK_PIDS_LIMIT, "ECS_TASK_PIDS_LIMIT", "TaskPidsLimit", INT, "", "", 1, 4194304, EA_SETF_LINUX, "processes in a task") \
    X(PROPAGATE_MEMORY_V2, "ECS_PROPAGATE_TASK_MEMORY_LIMIT_CGROUPV2", "PropagateTaskMemoryLimitCgroupv2", BOOL, "false", "", 0, 0, EA_SETF_LINUX, "task memory limit for containers without one") \
    X(CPU_UNBOUNDED, "ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND", NULL, BOOL, "false", "false", 0, 0, EA_SETF_WIN, "cpu 0 means no CPU limit") \
    X(MEMORY_UNBOUNDED, "ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND", NULL, BOOL, "false", "false", 0, 0, EA_SETF_WIN, "memory reservation is dropped without a limit") \
    X(METADATA_RPS, "ECS_TASK_METADATA_RPS_LIMIT", NULL, CSV, "40,60", "40,60", 0, 0, 0, "requests a second and burst, for each caller and path") \
    X(DISABLE_METADATA_AZ, "ECS_DISABLE_TASK_METADATA_AZ", "TaskMetadataAZDisabled", BOOL, "false", "false", 0, 0, 0, "no zone in task metadata") \
    X(SHARED_VOLUME_MATCH, "ECS_SHARED_VOLUME_MATCH_FULL_CONFIG", "SharedVolumeMatchFullConfig", BOOL, "false", "false", 0, 0, 0, "shared volumes must match in full") \
    X(DYNAMIC_PORTS, "ECS_DYNAMIC_HOST_PORT_RANGE", "DynamicHostPortRange", STR, "", "49152-65535", 0, 0, 0, "range of dynamic host ports; empty: the kernel's") \
    X(EXCLUDE_IPV6_BINDING, "ECS_EXCLUDE_IPV6_PORTBINDING", "ShouldExcludeIPv6PortBinding", BOOL, "true", "true", 0, 0, 0, "IPv6 bindings are not reported") \
    X(IP_COMPATIBILITY, "ECS_INSTANCE_IP_COMPATIBILITY", "InstanceIPCompatibility", STR, "", "", 0, 0, EA_SETF_LATER, "ipv4 or ipv6") \
    X(GPU, "ECS_ENABLE_GPU_SUPPORT", "GPUSupportEnabled", BOOL, "false", "", 0, 0, EA_SETF_LATER, "GPUs for tasks") \
    X(NVIDIA_RUNTIME, "ECS_NVIDIA_RUNTIME", "NvidiaRuntime", STR, "nvidia", "", 0, 0, EA_SETF_LATER, "Docker runtime of GPU containers") \
    X(INF, "ECS_ENABLE_INF_SUPPORT", "InferentiaSupportEnabled", BOOL, "false", "", 0, 0, EA_SETF_LATER, "Inferentia devices") \
    X(EBSTA, "ECS_EBSTA_SUPPORTED", "EBSTASupportEnabled", BOOL, "", "", 0, 0, EA_SETF_LATER, "EBS volumes of tasks") \
    X(VOLUME_PLUGIN_CAPS, "ECS_VOLUME_PLUGIN_CAPABILITIES", "VolumePluginCapabilities", JSON_LIST, "[]", "[]", 0, 0, EA_SETF_LATER, "capabilities of volume plugins") \
    X(FSX, "ECS_FSX_WINDOWS_FILE_SERVER_SUPPORTED", "FSxWindowsFileServerCapable", BOOL, "", "", 0, 0, EA_SETF_LATER, "FSx for Windows volumes") \
    X(GMSA, "ECS_GMSA_SUPPORTED", "GMSACapable", BOOL, "", "true", 0, 0, EA_SETF_WIN, "group managed service accounts; domainless ones when it is set to true") \
    X(GMSA_SKIP_JOIN, "ZZZ_SKIP_DOMAIN_JOIN_CHECK_NOT_SUPPORTED_IN_PRODUCTION", NULL, BOOL, "false", "false", 0, 0, EA_SETF_WIN, "gMSA is promised without a domain, for tests") \
    X(SPOT_DRAINING, "ECS_ENABLE_SPOT_INSTANCE_DRAINING", "SpotInstanceDrainingEnabled", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "drain on a spot interruption") \
    X(WARM_POOLS, "ECS_WARM_POOLS_CHECK", "WarmPoolsSupport", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "wait in a warm pool") \
    X(EXTERNAL, "ECS_EXTERNAL", "External", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "instance outside EC2") \
    X(FIRELENS_ASYNC, "ECS_ENABLE_FIRELENS_ASYNC", "FirelensAsyncEnabled", BOOL, "", "", 0, 0, EA_SETF_LATER, "asynchronous FireLens") \
    X(RUNTIME_STATS, "ECS_ENABLE_RUNTIME_STATS", "EnableRuntimeStats", BOOL, "false", "false", 0, 0, EA_SETF_LATER, "statistics of the agent itself") \
    X(PROMETHEUS, "ECS_ENABLE_PROMETHEUS_METRICS", "PrometheusMetricsEnabled", BOOL, "false", "", 0, 0, EA_SETF_LATER, "Prometheus endpoint") \
    X(PAUSE_LABELS, "ECS_PAUSE_LABELS", NULL, JSON_MAP, "{}", "{}", 0, 0, EA_SETF_LATER, "labels of pause containers") \
    X(DETAILED_OS_FAMILY, "ECS_DETAILED_OS_FAMILY", NULL, STR, "", "", 0, 0, EA_SETF_LINUX, "value of ecs.os-type-detailed") \
    X(HEALTHCHECK_HOST, "ECS_AGENT_HEALTHCHECK_HOST", NULL, STR, "localhost", "localhost", 0, 0, 0, "where -healthcheck asks") \
    X(INTROSPECTION_HOST, "ECSTOOLS_INTROSPECTION_ADDRESS", NULL, STR, "127.0.0.1", "127.0.0.1", 0, 0, 0, "address of the introspection port 51678") \
    X(LOGLEVEL, "ECS_LOGLEVEL", NULL, STR, "info", "info", 0, 0, 0, "crit, error, warn, info or debug") \
    X(LOGLEVEL_ON_INSTANCE, "ECS_LOGLEVEL_ON_INSTANCE", NULL, STR, "", "", 0, 0, 0, "level of the log file, or none; empty: ECS_LOGLEVEL") \
    X(LOGFILE, "ECS_LOGFILE", NULL, STR, "", "", 0, 0, 0, "log file; empty: standard error") \
    X(LOG_ROLLOVER, "ECS_LOG_ROLLOVER_TYPE", NULL, STR, "size", "size", 0, 0, 0, "size, or none: log files grow without end") \
    X(LOG_FORMAT, "ECS_LOG_OUTPUT_FORMAT", NULL, STR, "logfmt", "logfmt", 0, 0, 0, "logfmt or json") \
    X(LOG_MAX_MB, "ECS_LOG_MAX_FILE_SIZE_MB", NULL, INT, "10", "10", 1, 10000, 0, "size at which the log file rolls, 10^6 bytes") \
    X(LOG_MAX_ROLL, "ECS_LOG_MAX_ROLL_COUNT", NULL, INT, "24", "24", 1, 1000, 0, "old log files kept") \
    X(LOG_DRIVER, "ECS_LOG_DRIVER", NULL, STR, "", "", 0, 0, EA_SETF_LATER, "log driver of a containerised agent") \
    X(LOG_OPTS, "ECS_LOG_OPTS", NULL, JSON_MAP, "{}", "{}", 0, 0, EA_SETF_LATER, "its options") \
    X(CA_BUNDLE, "AWS_CA_BUNDLE", NULL, STR, "", "", 0, 0, 0, "PEM file of trusted roots in place of the system's") \
    X(HTTP_PROXY, "HTTP_PROXY", NULL, STR, "", "", 0, 0, EA_SETF_SECRET, "proxy of http URLs; http_proxy of the process goes first") \
    X(HTTPS_PROXY, "HTTPS_PROXY", NULL, STR, "", "", 0, 0, EA_SETF_SECRET, "proxy of https URLs; https_proxy of the process goes first") \
    X(NO_PROXY, "NO_PROXY", NULL, STR, "", "", 0, 0, 0, "hosts asked without a proxy; empty: instance metadata, task endpoint, Docker") \
    X(IMDS_ENDPOINT, "AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL, STR, "http://169.254.169.254", "http://169.254.169.254", 0, 0, 0, "instance metadata service") \
    X(IMDS_DISABLED, "AWS_EC2_METADATA_DISABLED", NULL, BOOL, "false", "false", 0, 0, 0, "no instance metadata service") \
    X(ENDPOINT_SECRETS, "AWS_ENDPOINT_URL_SECRETS_MANAGER", NULL, STR, "", "", 0, 0, 0, "Secrets Manager in place of the region's") \
    X(ENDPOINT_S3, "AWS_ENDPOINT_URL_S3", NULL, STR, "", "", 0, 0, 0, "Amazon S3 in place of the region's, by path") \
    X(ENDPOINT_SSM, "AWS_ENDPOINT_URL_SSM", NULL, STR, "", "", 0, 0, 0, "Systems Manager in place of the region's") \
    X(TASK_ENDPOINT, "ECSTOOLS_TASK_ENDPOINT", NULL, BOOL, "true", "true", 0, 0, 0, "serve tasks at 169.254.170.2:80")
/* clang-format on */

typedef enum ea_set_id {
#define X(id, var, key, type, lin, win, lo, hi, flags, help) EA_CFG_##id,
    EA_SETTINGS(X)
#undef X
    EA_CFG_COUNT
} ea_set_id;

typedef struct ea_set_row {
    const char *var, *key, *def;
    ea_set_type type;
    int64_t lo, hi;
    unsigned flags;
    const char *help;
} ea_set_row;

/* Where a value came from; lowest first. */
typedef enum ea_set_source {
    EA_FROM_DEFAULT,
    EA_FROM_USER_DATA,
    EA_FROM_ENV_FILE,
    EA_FROM_JSON_FILE,
    EA_FROM_ENVIRONMENT
} ea_set_source;

typedef struct ea_config ea_config;

/* `env` is the environment (NAME=value), NULL-terminated; borrowed for the call. Values that do not
 * parse: a warning and the next source, or EA_SETTINGS for a strict row. The answer for a JSON file
 * named by a setting that cannot be read or parsed is EA_SETTINGS too. Warnings are kept until the
 * log is configured: ea_config_log_warnings(). A name that looks like a setting and is none is one of them, and so
 * is a setting that has no effect here. Windows compares names without case. The JSON file is the one that
 * ECS_AGENT_CONFIG_FILE_PATH names, else the one of the usual place if it is there and administrators own it. */
ea_code ea_config_load(const char *const *env, ea_config **out, ea_err *err) EA_CHECK;
/* User data of the instance: {"ECSAgentConfiguration": {...}}; anything else is ignored. */
void ea_config_user_data(ea_config *c, ea_str text);
void ea_config_free(ea_config *c); /* wipes secrets; NULL is fine */
void ea_config_log_warnings(ea_config *c);

const ea_set_row *ea_config_row(ea_set_id id);
ea_set_source ea_config_source(const ea_config *c, ea_set_id id);
const char *ea_cfg_str(const ea_config *c, ea_set_id id); /* never NULL; "" when unset */
bool ea_cfg_bool(const ea_config *c, ea_set_id id);
int64_t ea_cfg_int(const ea_config *c, ea_set_id id);
int64_t ea_cfg_ms(const ea_config *c, ea_set_id id);
/* List of ports; a value outside 1..65535 was refused when it was read. */
void ea_cfg_i64list(const ea_config *c, ea_set_id id, ea_i64list *out); /* caller frees v */
void ea_cfg_strlist(const ea_config *c, ea_set_id id, ea_strlist *out); /* ea_strlist_free */
void ea_cfg_strmap(const ea_config *c, ea_set_id id, ea_strmap *out);   /* ea_strmap_free */

/* The part that the engine reads. */
void ea_config_engine(const ea_config *c, struct ea_engine_settings *out);
/* Table for `-settings`: variable, value (secrets masked), source, state; one line each. */
void ea_config_print(const ea_config *c, ea_buf *out);

#endif
