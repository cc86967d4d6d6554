namespace GemmaScope.Workbench;

/// <summary>Where a chat-completions API is and how it is asked.</summary>
public sealed record ChatEndpointOptions
{
    /// <summary>The address before <c>/chat/completions</c>, e.g. <c>http://localhost:8080/v1</c>.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>What the model is in a job that asks several, such as Judge: in messages it stands before the names of
    /// <see cref="Endpoint"/> and <see cref="EndpointModel"/>. Null where there is one.</summary>
    public string? Role { get; init; }

    /// <summary>The model's name there.</summary>
    public required string EndpointModel { get; init; }

    /// <summary>Sent as bearer token to this address alone; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>The environment variable that holds the token, for messages.</summary>
    public string TokenVariable { get; init; } = "";

    /// <summary>An answer that takes longer is given up and asked for again.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How often a request is sent at most.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Pause after the first failure; each further one doubles it.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Sent along, for servers that sample; the options of a request may name another.</summary>
    public int Seed { get; init; }

    /// <summary>By which answers are given up and pauses made.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;
}
