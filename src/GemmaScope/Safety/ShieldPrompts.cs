using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>Makes the prompts of a text, one for each policy, and cuts the text where it does not fit.</summary>
internal sealed class ShieldPrompts(Tokenizer tokenizer, int context)
{
    private readonly ControlTokens _control = new(tokenizer);

    public ShieldQuestion Make(string user, string? response, IReadOnlyList<ShieldPolicy> policies, ShieldOptions options)
    {
        if (policies.Count == 0)
            throw new ArgumentProblemException("none is given; name at least one", new Setting("Policies"));
        var (prompts, cut) = (Encode(user, response), 0);
        for (var excess = Excess(prompts); excess > 0; excess = Excess(prompts))
        {
            if (options.Truncation == ShieldTruncation.Refuse)
                throw new ContextLengthException(
                    $"its prompt has {context + excess} tokens, more than the model's context of {context}",
                    "text",
                    new Remedy($"shorten it, or have its end or start cut away with {Keep("keep-start")} or {Keep("keep-end")}")
                );
            if (user.Length == 0 && response is null or "")
                throw new ArgumentProblemException(
                    $"the template and policy alone have {context + excess} tokens, more than the model's context of {context}",
                    "policy"
                );
            (user, response) = Cut(user, response, excess, options.Truncation);
            cut += excess;
            prompts = Encode(user, response);
        }
        int[] beginnings = [.. prompts.Zip(policies, (prompt, policy) => Beginning(prompt, Fill(policy, user, response)))];
        return new ShieldQuestion(user, response, policies, options, prompts, beginnings, cut);

        FilledPrompt Fill(ShieldPolicy policy, string user, string? response) => options.Template.Fill(policy, policies, user, response);

        int[][] Encode(string user, string? response) =>
            [.. policies.Select(policy => Ids(Fill(policy, user, response), options.Hardened))];

        int Excess(int[][] prompts) => prompts.Max(prompt => prompt.Length) - context;
    }

    private static Setting Keep(string part) => new(nameof(ShieldOptions.Truncation), part);

    private int[] Ids(FilledPrompt prompt, bool hardened) =>
        hardened ? _control.Encode(prompt.Text, prompt.Strangers, addBos: true) : tokenizer.Encode(prompt.Text, addBos: true);

    /// <summary>How many tokens of a prompt come before the first stranger's text, whatever that is. The last of them may grow together with
    /// it and does not count.</summary>
    private int Beginning(int[] prompt, FilledPrompt filled) =>
        prompt.AsSpan().CommonPrefixLength(tokenizer.Encode(filled.Text[..filled.Strangers[0].Start], addBos: true).AsSpan()[..^1]);

    /// <summary>Takes tokens away from the longer of the two texts, until both are of one length, then from both.</summary>
    private (string User, string? Response) Cut(string user, string? response, int excess, ShieldTruncation keep)
    {
        var (first, second) = (tokenizer.EncodeWithOffsets(user), response is null ? null : tokenizer.EncodeWithOffsets(response));
        var (a, b) = (first.Ids.Count, second?.Ids.Count ?? 0);
        var left = Math.Max(0, a + b - excess);
        var keptOfFirst = Math.Min(a, Math.Max(left / 2, left - b));
        return (Keep(first, keptOfFirst, keep), second is null ? null : Keep(second, Math.Min(b, left - keptOfFirst), keep));
    }

    private static string Keep(TokenizedText text, int tokens, ShieldTruncation keep)
    {
        if (tokens >= text.Ids.Count)
            return text.Text;
        return tokens == 0 ? ""
            : keep == ShieldTruncation.KeepStart ? text.Text[..text.Spans[tokens].Start]
            : text.Text[text.Spans[^tokens].Start..];
    }
}
