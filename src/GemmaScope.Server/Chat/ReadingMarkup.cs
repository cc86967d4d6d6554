using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Chat;

/// <summary>What was read of a turn, as it stands below its messages: the strongest features by name, and a line for each direction. The
/// messages of a turn share the scales, so that they can be compared.</summary>
internal sealed class ReadingMarkup
{
    private const double Wide = 240,
        High = 28;

    private readonly ChatReading _reading;
    private readonly MicroscopeDictionary? _dictionary;
    private readonly NamedFeatures _named;
    private readonly Dictionary<string, (float Low, float High)> _scales;

    /// <param name="reading">What was read.</param>
    /// <param name="dictionary">The dictionary that names the features, or null.</param>
    /// <param name="library">What is known of features, or null.</param>
    public ReadingMarkup(ChatReading reading, MicroscopeDictionary? dictionary, FeatureLibrary? library)
    {
        (_reading, _dictionary) = (reading, dictionary);
        MessageReading[] all =
        [
            .. new[]
            {
                reading.User,
                reading.Normal,
                reading.Steered,
                reading.NormalThinking,
                reading.SteeredThinking,
            }.OfType<MessageReading>(),
        ];
        _named = new(library, dictionary?.Stored, all.SelectMany(one => one.Features).Select(one => one.Index).Distinct());
        _scales = all.SelectMany(one => one.Projections)
            .GroupBy(one => one.Direction)
            .ToDictionary(
                group => group.Key,
                group =>
                    (group.SelectMany(one => one.Values).DefaultIfEmpty().Min(), group.SelectMany(one => one.Values).DefaultIfEmpty().Max())
            );
    }

    /// <summary>Below what the user says.</summary>
    public Markup User => Of(_reading.User);

    /// <summary>Below the reply.</summary>
    public Markup Normal => Of(_reading.Normal);

    /// <summary>Below the steered reply; nothing where nothing is steered.</summary>
    public Markup Steered => Of(_reading.Steered);

    /// <summary>Below the thoughts before the reply; nothing where there are none.</summary>
    public Markup NormalThinking => Of(_reading.NormalThinking);

    /// <summary>Below those before the steered reply.</summary>
    public Markup SteeredThinking => Of(_reading.SteeredThinking);

    private Markup Of(MessageReading? message) =>
        message is null
            ? Markup.Empty
            : Markup.Of(
                $"{(message.Features.Count == 0 ? Markup.Empty : Markup.Of($"<ul class=\"strongest\" aria-label=\"strongest features\">{message.Features.Select(Feature)}</ul>\n"))}{message.Projections.Select(one => Along(message, one))}"
            );

    private Markup Feature(Features.FeatureReport feature)
    {
        var name = Markup.Of($"<span class=\"index\">#{feature.Index}</span> {_named.Name(feature.Index, words: 3)}");
        return Markup.Of(
            $"<li>{(_dictionary?.Stored is { } stored && _named.IsKnown(feature.Index) ? FeatureName.Link(stored, feature.Index, name) : name)} <span class=\"n\">{new Rounded(feature.Activation, 1, Padded: true)}</span> <button type=\"button\" class=\"quiet add\" data-dictionary=\"{_dictionary!.Name}\" data-feature=\"{feature.Index}\" data-max=\"{feature.Meaning?.Max ?? 0}\" aria-label=\"steer #{feature.Index}\" title=\"steer with it\" hidden>+</button></li>\n"
        );
    }

    /// <summary>The line, with the tokens behind it on demand.</summary>
    private Markup Along(MessageReading message, ChatProjection along)
    {
        var (low, high) = _scales[along.Direction];
        return along.Mean is not { } mean
            ? Markup.Empty
            : Markup.Of(
                $"""
                <details class="along"><summary>{along.Direction} {Line(along.Values, low, high)} <span class="soft">mean {Number(
                    mean
                )}, most {Number(along.Values.Max())}</span></summary>
                <p class="bubble shaded">{along.Values.Select((value, i) => Token(message.Tokens[i], value, low, high))}</p>
                <p class="note">Shaded from {Number(low)}, the least of this turn, to {Number(
                    high
                )}, the most: x · v / ‖v‖ at each token.</p></details>

                """
            );
    }

    private static Markup Line(IReadOnlyList<float> values, float low, float high)
    {
        double Across(int i) => values.Count == 1 ? Wide / 2 : Wide * i / (values.Count - 1);
        double Up(double value) => High - 2 - (high > low ? (value - low) / (high - low) : 0.5) * (High - 4);
        var points = string.Join(
            ' ',
            values.Select((value, i) => FormattableString.Invariant($"{new Rounded(Across(i), 1)},{new Rounded(Up(value), 1)}"))
        );
        // A single token has no line.
        if (values.Count == 1)
            points = FormattableString.Invariant($"0,{new Rounded(Up(values[0]), 1)} {Wide},{new Rounded(Up(values[0]), 1)}");
        var zero = low < 0 && high > 0 ? Markup.Of($"<path class=\"zero\" d=\"M0 {new Rounded(Up(0), 1)}H{Wide}\"></path>") : Markup.Empty;
        return Markup.Of(
            $"<svg class=\"line\" viewBox=\"0 0 {Wide} {High}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"from {Number(values[0])} at the first token to {Number(values[^1])} at the last\">{zero}<polyline points=\"{points}\"></polyline></svg>"
        );
    }

    private static Markup Token(string piece, float value, float low, float high) =>
        Markup.Of(
            $"<span class=\"s{TokenMarkup.Shade(high > low ? (value - low) / (high - low) : 0)} {TokenMarkup.Kind(piece)}\" data-tip=\"{Number(value)}\">{TokenMarkup.Text(piece)}</span>"
        );

    private static string Number(double value) => Digits.Number(value);
}
