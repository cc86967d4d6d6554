using System.Text.Json.Serialization;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>A text that a model has written.</summary>
public sealed class GenerateResult
{
    internal GenerateResult(
        string model,
        string prompt,
        IReadOnlyList<int> promptIds,
        Continuation text,
        Arithmetic arithmetic,
        WatchedText? watched
    )
    {
        Watched = watched;
        (Model, Prompt, PromptIds, Arithmetic) = (model, prompt, promptIds, arithmetic);
        (Text, Ids, StoppedBy) = (text.Text, text.Ids, text.StoppedBy ?? StopReason.Interrupted);
        (FirstTokenSeconds, Seconds) = (text.FirstToken.TotalSeconds, text.AllTokens.TotalSeconds);
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The text that was continued.</summary>
    public string Prompt { get; }

    /// <summary>Its token ids, BOS included.</summary>
    public IReadOnlyList<int> PromptIds { get; }

    /// <summary>What was written.</summary>
    public string Text { get; }

    /// <summary>Of it what the model thought; absent where it has no marks for thoughts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Thinking { get; init; }

    /// <summary>Of it what is no thought; absent where the model has no marks for them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Answer { get; init; }

    /// <summary>Its token ids.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Why it ended.</summary>
    public StopReason StoppedBy { get; }

    /// <summary>Time from the start to the last token, the prompt included.</summary>
    public double Seconds { get; }

    /// <summary>Tokens after the first, which waits for the prompt, per second; NaN where there are none.</summary>
    public double TokensPerSecond => Ids.Count > 1 ? (Ids.Count - 1) / (Seconds - FirstTokenSeconds) : double.NaN;

    /// <summary>How the model's products were computed.</summary>
    public Arithmetic Arithmetic { get; }

    /// <summary>The dense kernels that computed them.</summary>
    public string Kernels { get; } = Compute.Kernels.Name;

    /// <summary>What a monitor read on the way; null where nothing was watched.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WatchedText? Watched { get; }

    /// <summary>What does not fit between the model and the dictionaries that were opened, a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; internal init; } = [];

    /// <summary>Time from the start to the first token.</summary>
    [JsonIgnore]
    public double FirstTokenSeconds { get; }
}
