using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>Makes the prompts of a text, one for each policy, and cuts the text where it does not fit.</summary>
internal sealed class ShieldPrompts(GemmaModel model)
{
    private readonly Tokenizer _tokenizer = model.Tokenizer;
    private readonly ControlTokens _control = new(model.Tokenizer);

    /// <summary>The form in which the model is asked.</summary>
    public ShieldTemplate TemplateOf(ShieldOptions options) => options.Template ?? ShieldTemplate.For(model.Config);

    public ShieldQuestion Make(string user, string? response, IReadOnlyList<ShieldPolicy> policies, ShieldOptions options)
    {
        if (policies.Count == 0)
            throw new ArgumentProblemException("none is given; name at least one", new Setting("Policies"));
        var (template, context) = (TemplateOf(options), model.Config.MaxPositions);
        options = options with { Template = template, Hardened = options.HardenedIn(template) };
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

        FilledPrompt Fill(ShieldPolicy policy, string user, string? response)
        {
            var filled = template.Fill(policy, policies, user, response);
            return template.IsOfChat ? Said(filled) : filled;
        }

        int[][] Encode(string user, string? response) =>
            [.. policies.Select(policy => Ids(Fill(policy, user, response), options.Hardened))];

        int Excess(int[][] prompts) => prompts.Max(prompt => prompt.Length) - context;
    }

    private static Setting Keep(string part) => new(nameof(ShieldOptions.Truncation), part);

    private int[] Ids(FilledPrompt prompt, bool hardened) =>
        hardened ? _control.Encode(prompt.Text, prompt.Strangers, prompt.HasBos) : _tokenizer.Encode(prompt.Text, prompt.HasBos);

    /// <summary>The message in the model's chat template, up to where its answer begins; it does not think before.</summary>
    private FilledPrompt Said(FilledPrompt message)
    {
        var template = model.ChatTemplate;
        var text = template.Render([new("user", message.Text)], addGenerationPrompt: true);
        var bos = _tokenizer.WrittenBos(text);
        var start = text.IndexOf(message.Text, StringComparison.Ordinal) - bos;
        return start >= 0
            ? new(text[bos..], [.. message.Strangers.Select(span => new TextSpan(start + span.Start, start + span.End))], bos > 0)
            : throw new ArgumentProblemException(
                $"the model's chat template {template.Name} does not write a message as it is; ask with another form of the prompt",
                "template"
            );
    }

    /// <summary>How many tokens of a prompt come before the first stranger's text, whatever that is. The last of them may grow together with
    /// it and does not count.</summary>
    private int Beginning(int[] prompt, FilledPrompt filled) =>
        prompt.AsSpan().CommonPrefixLength(_tokenizer.Encode(filled.Text[..filled.Strangers[0].Start], filled.HasBos).AsSpan()[..^1]);

    /// <summary>Takes tokens away from the longer of the two texts, until both are of one length, then from both.</summary>
    private (string User, string? Response) Cut(string user, string? response, int excess, ShieldTruncation keep)
    {
        var (first, second) = (_tokenizer.EncodeWithOffsets(user), response is null ? null : _tokenizer.EncodeWithOffsets(response));
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
