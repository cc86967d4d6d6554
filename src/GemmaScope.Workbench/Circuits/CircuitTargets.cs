using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Circuits;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Reads targets as users write them (<see cref="CircuitJobOptions.Targets"/>).</summary>
internal static partial class CircuitTargets
{
    public static readonly Setting Target = new(nameof(CircuitJobOptions.Targets));

    /// <summary>The targets of a prompt.</summary>
    public static IReadOnlyList<CircuitTarget> Of(
        CircuitJobOptions options,
        ReplacementModel model,
        Tokenizer tokenizer,
        IProgress<JobReport>? progress
    )
    {
        if (options.Targets.Count == 0)
            return
            [
                .. CircuitTarget
                    .TopLogits(model, options.Logits, options.Mass)
                    .Select(one => one with { Name = Quoted(tokenizer, one.Token!.Value) }),
            ];
        CircuitTarget[] targets = [.. options.Targets.Select(text => Read(text, Target, model, tokenizer, progress))];
        if (targets.Select(one => (one.Kind, one.Name)).Distinct().Count() < targets.Length)
            throw new ArgumentProblemException("one target is named twice", Target);
        return targets;
    }

    /// <summary>Reads a target.</summary>
    /// <param name="text">As users write it.</param>
    /// <param name="setting">The setting that holds it.</param>
    /// <param name="model">The prompt.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="progress">Told when another spelling is likelier.</param>
    public static CircuitTarget Read(
        string text,
        Setting setting,
        ReplacementModel model,
        Tokenizer tokenizer,
        IProgress<JobReport>? progress
    )
    {
        if (Feature().Match(text) is { Success: true } feature)
            return CircuitTarget.Feature(Number(feature, 1, setting), Number(feature, 3, setting), Number(feature, 2, setting));
        if (text.StartsWith("feature:", StringComparison.Ordinal))
            throw new ArgumentProblemException($"'{text}' names no feature; write feature:LAYER/INDEX@POSITION", setting);
        var (token, other) = Tokens(text, setting, model.LastLogits, tokenizer, progress);
        return (other is { } second ? CircuitTarget.Difference(token, second) : CircuitTarget.Logit(token)) with
        {
            Name = NameOf(tokenizer, token, other),
        };
    }

    /// <summary>Reads a token, or one and another that it is compared with.</summary>
    /// <param name="text">As users write it.</param>
    /// <param name="setting">The setting that holds it.</param>
    /// <param name="logits">Where it is predicted.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="progress">Told when another spelling is likelier.</param>
    public static (int Token, int? Other) Tokens(
        string text,
        Setting setting,
        ReadOnlySpan<float> logits,
        Tokenizer tokenizer,
        IProgress<JobReport>? progress
    ) =>
        text.IndexOf('/') is > 0 and var slash && slash < text.Length - 1
            ? (Token(text[..slash], setting, logits, tokenizer, progress), Token(text[(slash + 1)..], setting, logits, tokenizer, progress))
            : (Token(text, setting, logits, tokenizer, progress), null);

    /// <summary>The name of a token, or of its lead over another.</summary>
    public static string NameOf(Tokenizer tokenizer, int token, int? other) =>
        other is { } second ? $"{Quoted(tokenizer, token)} over {Quoted(tokenizer, second)}" : Quoted(tokenizer, token);

    private static int Token(string text, Setting setting, ReadOnlySpan<float> logits, Tokenizer tokenizer, IProgress<JobReport>? progress)
    {
        if (text is ['#', .. var id] && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < logits.Length && number < tokenizer.VocabularySize
                ? number
                : throw new ArgumentProblemException($"{text} is outside the vocabulary of {tokenizer.VocabularySize}", setting);
        if (tokenizer.Encode(text) is not [var token])
            throw new ArgumentProblemException(
                $"'{text}' is {tokenizer.Encode(text).Length} tokens, and a target is one; write one token as the model has it, usually with "
                    + "its space, or its id (#123)",
                setting
            );
        // A word in a text is a token with its space, and that is easily forgotten.
        if (!text.StartsWith(' ') && tokenizer.Encode(" " + text) is [var spaced] && logits[spaced] > logits[token])
            progress.Note($"'{text}' is taken as it is written; here ' {text}', with a space, is more likely.");
        return token;
    }

    private static string Quoted(Tokenizer tokenizer, int token) => $"\"{tokenizer.Display(token)}\"";

    private static int Number(Match match, int group, Setting setting) =>
        int.TryParse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ArgumentProblemException($"'{match.Groups[group].Value}' is too large", setting);

    [GeneratedRegex(@"^feature:(\d+)/(\d+)@(\d+)$")]
    private static partial Regex Feature();
}
