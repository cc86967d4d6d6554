using System.Text.RegularExpressions;

namespace GemmaScope.Models;

/// <summary>
/// What the name of a model says: <c>google/gemma-2-2b-it</c>, <c>gemma-3-1b-pt</c>, <c>gemma-2-2b-it-Q4_K_M</c> or <c>Gemma 2 2b It</c>.
/// Makers of dictionaries and of files of weights spell the same model differently, so that names are compared by what they mean.
/// </summary>
/// <param name="Model">Generation and size, e.g. <c>gemma-2-2b</c>.</param>
/// <param name="Variant">What it was trained for: <see cref="Base"/>, <see cref="Tuned"/>, or the word before gemma in other names, such as
/// <c>shield</c>.</param>
internal sealed partial record GemmaName(string Model, string Variant)
{
    /// <summary>Pre-trained, and no more.</summary>
    public const string Base = "pt";

    /// <summary>Tuned to follow instructions.</summary>
    public const string Tuned = "it";

    private const string Demo = "demo";

    /// <summary>What a name says, or null where it is none of a Gemma's.</summary>
    public static GemmaName? Of(string? name)
    {
        var last = name?.TrimEnd('/', '\\').Split('/', '\\')[^1].Split('@')[0].Trim().Replace(' ', '-').ToLowerInvariant();
        if (last is null)
            return null;
        if (DemoPattern().Match(last) is { Success: true } demo)
            return new(Demo, demo.Groups["variant"].Value);
        if (Pattern().Match(last) is not { Success: true } match)
            return null;
        var (word, generation) = (match.Groups["word"].Value, match.Groups["generation"].Value);
        // Names without a generation are those of the first, but of shieldgemma-2b, which is made of the second.
        if (generation.Length == 0)
            generation = word == "shield" ? "2" : "1";
        var tuned = match.Groups["rest"].Value.Split('-', '_', '.').Contains(Tuned);
        return new(
            $"gemma-{generation}-{match.Groups["size"].Value}",
            word.Length > 0 ? word
                : tuned ? Tuned
                : Base
        );
    }

    /// <summary>How people call the variant.</summary>
    public string VariantWords =>
        Variant switch
        {
            Base => "pre-trained (PT)",
            Tuned => "instruction-tuned (IT)",
            _ => $"tuned ({Variant})",
        };

    [GeneratedRegex(@"^(?<word>[a-z]*?)-?gemma-?(?:(?<generation>\d)-)?(?<size>e?\d+(?:\.\d+)?[bm])(?<rest>(?:[-_.].*)?)$")]
    private static partial Regex Pattern();

    // Behind the name stands at most how its weights are stored, and which part of a split file it is: demo-it-Q8_0, demo-it-int8.
    [GeneratedRegex(@"^demo-(?<variant>pt|it)(?:[-_.](?:(?:iq|q|int|bf|f)\d+(?:_[a-z0-9]+)*|\d+-of-\d+))*$")]
    private static partial Regex DemoPattern();
}
