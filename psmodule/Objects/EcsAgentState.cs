namespace EcsTools;

/// <summary>Where the agent stands on its way to a connected container instance.</summary>
public enum EcsAgentState
{
    Unknown = 0,
    NotInstalled = 1,
    Stopped = 2,

    /// <summary>The process runs, its control channel does not answer yet.</summary>
    Starting = 3,

    /// <summary>Not registered; Waits says for what it waits.</summary>
    Waiting = 4,

    /// <summary>Registered with the cluster, not connected to it.</summary>
    Registered = 5,
    Connected = 6,
    Draining = 7,
    Stopping = 8,
}
