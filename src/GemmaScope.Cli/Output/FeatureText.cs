using System.Globalization;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>A feature's dashboard for people.</summary>
internal static class FeatureText
{
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    public static void Write(Terminal terminal, FeatureResult result, int examples)
    {
        var (page, source) = (result.Page, result.Source);
        var one = page.Feature.Dashboard;
        Properties.Write(
            terminal,
            [
                ("feature", $"{result.Model}/{result.Dictionary}/{one.Feature}"),
                .. page.Feature.Labels.Select(label => ("label", Label(label))),
                .. page.Note.Length > 0 ? (ReadOnlySpan<(string, string)>)[("note", page.Note)] : [],
                ("density", one.IsDead ? $"dead: it fired at none of {source.Corpus.Counted} tokens" : Density(one, source)),
                ("maximum", one.IsDead ? "0" : Maximum(one, source)),
                ("activations", Bars(one.Histogram)),
                .. one.Logits is { } logits
                    ? (ReadOnlySpan<(string, string)>)
                        [
                            ("logits", $"{Bars(logits.Histogram)}  {Number(logits.Minimum)} to {Number(logits.Maximum)}"),
                            ("promotes", Words(source, logits.Top)),
                            ("suppresses", Words(source, logits.Bottom)),
                        ]
                    : [],
                ("near", string.Join("  ", one.Neighbours.Select(near => $"{near.Feature} ({Number(near.Cosine)})"))),
                ("correlated", string.Join("  ", one.CorrelatedFeatures.Select(other => $"{other.Feature} ({Number(other.Pearson)})"))),
                .. one.HeadShares.Count > 0
                    ? (ReadOnlySpan<(string, string)>)
                        [("heads", string.Join("  ", one.HeadShares.Select((share, head) => $"{head}: {share:0 %}")))]
                    : [],
            ]
        );
        foreach (var group in one.Examples.GroupBy(example => example.Interval))
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(
                group.Key < 0
                    ? "strongest:"
                    : $"{Number(one.IntervalEdge(group.Key))} to {Number(one.IntervalEdge(group.Key + 1))} "
                        + $"({Share(one.IntervalShares[group.Key])} of the tokens):"
            );
            foreach (var example in group.Take(examples))
                terminal.Out.WriteLine($"{Number(example.Values[example.Position]), 9}  {Text(source, example)}");
        }
    }

    private static string Label(FeatureLabel label)
    {
        var author = label.Author.Length > 0 ? label.Author : "unknown";
        var score = label.Score is { } detection ? $", {label.ScoreKind ?? "score"} {Number(detection)}" : "";
        var fuzzing = label.Fuzzing is { } second ? $", fuzzing {Number(second)}" : "";
        return $"{label.Text} ({author}{score}{fuzzing})";
    }

    private static string Density(FeatureDashboard one, DashboardSource source) =>
        $"fires on {Share(one.Density)} of {source.Corpus.Counted} tokens of {source.Text} "
        + $"({Share(one.DensityAllPositions)} with special tokens in the denominator)";

    private static string Maximum(FeatureDashboard one, DashboardSource source) =>
        $"{Number(one.Max)}{(one.MaxToken < 0 ? "" : $" at {Word(source, one.MaxToken)}")}, mean where it fires {Number(one.MeanNonzero)}"
        + (one.MaxAnywhere > one.Max ? $"; {Number(one.MaxAnywhere)} at a token that does not count" : "");

    /// <summary>The excerpt on one line, the marked token between brackets.</summary>
    private static string Text(DashboardSource source, FeatureExample example) =>
        string.Concat(
            example.Tokens.Select((token, i) => i == example.Position ? $"[{Plain(source.Piece(token))}]" : Plain(source.Piece(token)))
        );

    private static string Words(DashboardSource source, IReadOnlyList<TokenScore> scores) =>
        string.Join("  ", scores.Select(score => $"{Word(source, score.Token)} ({Number(score.Value)})"));

    private static string Word(DashboardSource source, int token) => Format.Quoted(Plain(source.Piece(token)));

    private static string Plain(string piece) => piece.Replace('▁', ' ');

    /// <summary>A share of the tokens, as all lines about features write it.</summary>
    public static string Share(double share) => Digits.Percent(share);

    /// <summary>An activation, cosine or score.</summary>
    public static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Counts as blocks whose heights grow with the root, so that rare ones are seen.</summary>
    private static string Bars(IReadOnlyList<int> counts)
    {
        var most = Math.Max(1, counts.DefaultIfEmpty(0).Max());
        return string.Concat(counts.Select(count => Blocks[(int)Math.Ceiling(Math.Sqrt((double)count / most) * (Blocks.Length - 1))]));
    }
}
