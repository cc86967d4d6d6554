using System.Text.Json;

namespace GemmaScope.Server.Shield;

/// <summary>What is asked of <c>/v1/shield</c>: one text, or several.</summary>
internal sealed record ShieldRequest
{
    /// <summary>What the user wrote, where one text is judged; else <see cref="Inputs"/>.</summary>
    public string? Prompt { get; init; }

    /// <summary>The response that is judged instead of the prompt.</summary>
    public string? Response { get; init; }

    /// <summary>Or a conversation, as chat completions have it: it gets one verdict, that on the worst of its texts.</summary>
    public JsonElement? Messages { get; init; }

    /// <summary>Several texts, which take less time together.</summary>
    public IReadOnlyList<ShieldInput>? Inputs { get; init; }

    /// <summary>Keys or names of the policies asked about; all that the server knows where absent.</summary>
    public IReadOnlyList<string>? Policies { get; init; }

    /// <summary>From which probability on a policy is violated, by its key.</summary>
    public IReadOnlyDictionary<string, double>? Thresholds { get; init; }

    /// <summary>The form of the prompt, by its name.</summary>
    public string? Template { get; init; }

    /// <summary>Whether turn markers that a text writes out are plain text; true where absent.</summary>
    public bool? Hardened { get; init; }

    /// <summary>What is done with a text that is too long: refuse, keep-start or keep-end.</summary>
    public string? Truncate { get; init; }

    /// <summary>Whether the likeliest policy's score is taken apart into features of a dictionary.</summary>
    public bool Explain { get; init; }

    /// <summary>The dictionary for that, by its name; the server's first where absent.</summary>
    public string? Dictionary { get; init; }
}

/// <summary>One of several texts.</summary>
internal sealed record ShieldInput
{
    /// <summary>A name that is repeated in the result.</summary>
    public string? Id { get; init; }

    /// <summary>What the user wrote.</summary>
    public string? Prompt { get; init; }

    /// <summary>The response that is judged instead of the prompt.</summary>
    public string? Response { get; init; }

    /// <summary>Or a conversation.</summary>
    public JsonElement? Messages { get; init; }
}
