using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>A feature of a whole text: its sum, and where it is strongest.</summary>
internal readonly record struct TextFeature(FeatureReport Report, float Largest, int At, int Tokens);

/// <summary>What both renderings of an analysis need: the text of each token, and how strongly each is shaded.</summary>
internal sealed class AnalysisView(TextAnalysis analysis, Uri server)
{
    public TextAnalysis Analysis { get; } = analysis;

    public IEnumerable<TextFeature> TopFeatures =>
        Analysis.WholeTextTop.Select(report =>
        {
            var values = Values(report.Index);
            var largest = values.Max();
            return new TextFeature(report, largest, Array.IndexOf(values, largest), values.Count(value => value > 0));
        });

    /// <summary>The address of a feature's page on our server.</summary>
    public string Page(FeatureReport feature) => new Uri(server, feature.Page).ToString();

    /// <summary>The part of the text a token stands for; its piece where that says more: special tokens, and bytes that share a
    /// character.</summary>
    public string TextOf(TokenReport token)
    {
        var shared =
            token.Position > 0
            && Analysis.Tokens[token.Position - 1].Start == token.Start
            && Analysis.Tokens[token.Position - 1].End == token.End;
        return token is { Start: { } start, End: { } end } && end > start && !shared ? Analysis.Text[start..end] : token.Display;
    }

    /// <summary>For each token from 0 to 1 how strong its strongest feature is, relative to the strongest of the text.</summary>
    public float[] ShadesByStrongest() =>
        Shades([.. Analysis.Tokens.Select(token => token is { Counted: true, Top.Count: > 0 } ? token.Top[0].Activation : 0)]);

    /// <summary>The same for one feature.</summary>
    public float[] ShadesBy(int feature) => Shades(Values(feature));

    // Tokens that do not count have no shade, so that the outlier at BOS does not pale all others.
    private float[] Values(int feature) =>
        [.. Analysis.Tokens.Select(token => token.Counted ? Analysis.Features.Value(token.Position, feature) : 0)];

    private static float[] Shades(float[] values)
    {
        var largest = values.Max();
        return [.. values.Select(value => largest > 0 ? Math.Max(value, 0) / largest : 0)];
    }
}
