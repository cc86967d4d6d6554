namespace GemmaScope.Workbench;

/// <summary>What <see cref="JailbreakStudyJob"/> does.</summary>
public sealed record JailbreakStudyJobOptions : StudyJobOptions
{
    /// <summary>Pairs: JSON lines with the wrapped request (<c>wrapped</c>, <c>jailbreak</c> or <c>prompt</c>) and the plain one
    /// (<c>plain</c>, <c>goal</c>, <c>request</c> or <c>original</c>), which may be missing; null where requests are wrapped here.</summary>
    public string? Pairs { get; init; }

    /// <summary>Plain requests, each of which is put into each wrapper; null for none.</summary>
    public string? Requests { get; init; }

    /// <summary>Wrappers: a text with one a line, or JSON lines with <c>wrapper</c> and perhaps <c>id</c>; <c>{request}</c> stands for the
    /// request.</summary>
    public string? Wrappers { get; init; }

    /// <summary>Harmless requests: a file as <see cref="StudyPrompt.Read"/> takes it.</summary>
    public required string Harmless { get; init; }

    /// <summary>The refusal direction: its file, or the folder of a study of refusal.</summary>
    public required string Direction { get; init; }

    /// <summary>Pairs at most, and harmless requests at most; the seed draws them.</summary>
    public int Limit { get; init; } = 200;

    /// <summary>Only harmless requests that are held out by this divisor (<see cref="StudyPrompt.IsHeldOut"/>); null for any.</summary>
    public int? HeldOut { get; init; }

    /// <summary>Words that refusals begin with, a token each; empty: they are found in the model's replies to plain requests.</summary>
    public IReadOnlyList<string> RefusalTokens { get; init; } = [];

    /// <summary>Tokens of a reply; 0: refusal is judged by the first token alone.</summary>
    public int MaxTokens { get; init; } = 32;

    /// <summary>Features of each dictionary that are clamped back in a pair, and that a probe is made of; from 1.</summary>
    public int Features { get; init; } = 5;

    /// <summary>How often labels are shuffled for the control of what separates; from 1.</summary>
    public int Shuffles { get; init; } = 20;

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        Require(Limit, 2, nameof(Limit));
        Require(MaxTokens, 0, nameof(MaxTokens));
        Require(Features, 1, nameof(Features));
        Require(Shuffles, 1, nameof(Shuffles));
        if (HeldOut is { } divisor)
            Require(divisor, 1, nameof(HeldOut));
        if (Requests is null != Wrappers is null)
            throw new ArgumentProblemException(
                "requests and wrappers go together",
                new Setting(Requests is null ? nameof(Requests) : nameof(Wrappers)),
                new Remedy($"give both {new Setting(nameof(Requests))} and {new Setting(nameof(Wrappers))}")
            );
        if (Pairs is null && Requests is null)
            throw new ArgumentProblemException(
                "is needed: wrapped requests with the plain ones",
                new Setting(nameof(Pairs)),
                new Remedy(
                    $"or plain requests with {new Setting(nameof(Requests))} and what to wrap them in with {new Setting(nameof(Wrappers))}"
                )
            );
    }
}
