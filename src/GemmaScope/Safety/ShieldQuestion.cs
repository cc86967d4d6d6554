namespace GemmaScope.Safety;

/// <summary>
/// A text made ready to be judged: the prompts of its policies as ids. Making it finds every problem of the input, and costs little;
/// questions of several callers can then be judged together.
/// </summary>
public sealed class ShieldQuestion
{
    internal ShieldQuestion(
        string user,
        string? response,
        IReadOnlyList<ShieldPolicy> policies,
        ShieldOptions options,
        IReadOnlyList<int[]> prompts,
        IReadOnlyList<int> beginnings,
        int cutTokens
    ) =>
        (User, Response, Policies, Options, Prompts, Beginnings, CutTokens) = (
            user,
            response,
            policies,
            options,
            prompts,
            beginnings,
            cutTokens
        );

    /// <summary>What the user wrote, as far as it is judged.</summary>
    public string User { get; }

    /// <summary>The response that is judged, as far as it is; null where the prompt is.</summary>
    public string? Response { get; }

    /// <summary>The policies asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; }

    /// <summary>How it is asked; its template is the one that is used.</summary>
    public ShieldOptions Options { get; }

    /// <summary>The form in which it is asked.</summary>
    public ShieldTemplate Template => Options.Template!;

    /// <summary>The ids of each policy's prompt, BOS included.</summary>
    public IReadOnlyList<int[]> Prompts { get; }

    /// <summary>About how many tokens of the texts were cut away to fit; 0 for none.</summary>
    public int CutTokens { get; }

    /// <summary>How many tokens of each prompt come before the texts of strangers: the template's and the policies' words, which other
    /// questions share.</summary>
    internal IReadOnlyList<int> Beginnings { get; }

    /// <summary>Tokens that all prompts begin with; each prompt keeps one of its own.</summary>
    private int SharedTokens
    {
        get
        {
            var shared = Prompts.Min(prompt => prompt.Length) - 1;
            foreach (var prompt in Prompts)
                shared = Math.Min(shared, prompt.AsSpan().CommonPrefixLength(Prompts[0]));
            return shared;
        }
    }

    /// <summary>Tokens that are run for it: what all its prompts begin with once, and the rest of each.</summary>
    public int Tokens => Prompts.Sum(prompt => prompt.Length) - (Prompts.Count - 1) * SharedTokens;
}
