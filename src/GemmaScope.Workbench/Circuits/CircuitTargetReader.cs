using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Circuits;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Safety;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Reads one target as users write it (<see cref="CircuitJobOptions.Targets"/>).</summary>
/// <param name="microscope">The model.</param>
/// <param name="setting">The setting that holds it.</param>
/// <param name="progress">Told when another spelling is likelier.</param>
internal sealed partial class CircuitTargetReader(Microscope microscope, Setting setting, IProgress<JobReport>? progress)
{
    private const string FeaturePrefix = "feature:",
        DirectionPrefix = "direction:",
        ShieldPrefix = "shield:";

    private readonly Tokenizer _tokenizer = microscope.Model.Tokenizer;

    /// <summary>The policy of a verdict that is explained, or null where the target is another.</summary>
    /// <exception cref="ArgumentProblemException">No policy is called so.</exception>
    public static ShieldPolicy? Policy(string text) =>
        text.StartsWith(ShieldPrefix, StringComparison.Ordinal) ? ShieldPolicy.Find(text[ShieldPrefix.Length..]) : null;

    /// <summary>Whether the text names something that lies on this machine, and means nothing elsewhere.</summary>
    public static bool IsLocal(string text) => text.StartsWith(DirectionPrefix, StringComparison.Ordinal);

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    public static void Check(string text, Setting setting)
    {
        _ = Policy(text);
        if (text.StartsWith(FeaturePrefix, StringComparison.Ordinal) && !FeatureForm().IsMatch(text))
            throw new ArgumentProblemException($"'{text}' names no feature; write feature:LAYER/INDEX@POSITION", setting);
        if (IsLocal(text) && Direction(text, setting) is var (file, tensor, _, _))
            _ = VectorFile.Read(file, tensor);
    }

    /// <summary>Reads a target.</summary>
    /// <param name="text">As users write it.</param>
    /// <param name="model">The prompt.</param>
    public CircuitTarget Read(string text, ReplacementModel model)
    {
        Check(text, setting);
        if (FeatureForm().Match(text) is { Success: true } feature)
            return CircuitTarget.Feature(Number(feature, "layer"), Number(feature, "position"), Number(feature, "index"));
        if (IsLocal(text))
        {
            var (file, tensor, site, position) = Direction(text, setting);
            return CircuitTarget.Direction(site, VectorFile.Read(file, tensor), position) with
            {
                Name =
                    $"{Path.GetFileName(file)}{(tensor is null ? "" : $"#{tensor}")} at {site}{(position is { } at ? $", position {at}" : "")}",
            };
        }
        var (token, other) = Tokens(text, model.LastLogits);
        return (other is { } second ? CircuitTarget.Difference(token, second) : CircuitTarget.Logit(token)) with
        {
            Name = Policy(text) is { } policy ? $"Yes over No ({policy.Key})" : NameOf(token, other),
        };
    }

    /// <summary>Reads a token, or one and another that it is compared with: of a verdict Yes and No.</summary>
    /// <param name="text">As users write it.</param>
    /// <param name="logits">Where it is predicted.</param>
    public (int Token, int? Other) Tokens(string text, ReadOnlySpan<float> logits)
    {
        if (Policy(text) is not null)
        {
            using var shield = new ShieldGemma(microscope.Model);
            return (shield.YesId, shield.NoId);
        }
        return text.IndexOf('/') is > 0 and var slash && slash < text.Length - 1
            ? (Token(text[..slash], logits), Token(text[(slash + 1)..], logits))
            : (Token(text, logits), null);
    }

    /// <summary>The name of a token, or of its lead over another.</summary>
    public string NameOf(int token, int? other = null) => other is { } second ? $"{Quoted(token)} over {Quoted(second)}" : Quoted(token);

    private int Token(string text, ReadOnlySpan<float> logits)
    {
        if (text is ['#', .. var id] && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < logits.Length && number < _tokenizer.VocabularySize
                ? number
                : throw new ArgumentProblemException($"{text} is outside the vocabulary of {_tokenizer.VocabularySize}", setting);
        if (_tokenizer.Encode(text) is not [var token])
            throw new ArgumentProblemException(
                $"'{text}' is {_tokenizer.Encode(text).Length} tokens, and a target is one; write one token as the model has it, usually with "
                    + "its space, or its id (#123)",
                setting
            );
        // A word in a text is a token with its space, and that is easily forgotten.
        if (!text.StartsWith(' ') && _tokenizer.Encode(" " + text) is [var spaced] && logits[spaced] > logits[token])
            progress.Note($"'{text}' is taken as it is written; here ' {text}', with a space, is more likely.");
        return token;
    }

    private string Quoted(int token) => $"\"{_tokenizer.Display(token)}\"";

    private static (string File, string? Tensor, Site Site, int? Position) Direction(string text, Setting setting)
    {
        if (DirectionForm().Match(text) is not { Success: true } match || !Site.TryParse(match.Groups["site"].Value, out var site))
            throw new ArgumentProblemException(
                $"'{text}' names no direction; write direction:FILE@SITE or direction:FILE@SITE@POSITION, such as "
                    + "direction:probe.npy@resid_post.3@5; of a file with several tensors FILE#NAME",
                setting
            );
        return (
            match.Groups["file"].Value,
            match.Groups["tensor"] is { Success: true } tensor ? tensor.Value : null,
            site,
            match.Groups["position"].Success ? Number(match, "position", setting) : null
        );
    }

    private int Number(Match match, string group) => Number(match, group, setting);

    private static int Number(Match match, string group, Setting setting) =>
        int.TryParse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ArgumentProblemException($"'{match.Groups[group].Value}' is too large", setting);

    [GeneratedRegex(@"^feature:(?<layer>\d+)/(?<index>\d+)@(?<position>\d+)$")]
    private static partial Regex FeatureForm();

    // A file's name may hold any of these signs, so that it is what is left over; no site begins with a digit.
    [GeneratedRegex(@"^direction:(?<file>.+?)(#(?<tensor>[^#/\\]+))?@(?<site>[A-Za-z][\w.]*)(@(?<position>\d+))?$")]
    private static partial Regex DirectionForm();
}
