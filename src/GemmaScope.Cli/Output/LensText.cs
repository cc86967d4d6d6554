using System.Globalization;
using GemmaScope.Evaluation;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Lenses in the terminal.</summary>
internal static class LensText
{
    private const int LongestWord = 14;

    /// <summary>Tokens below each other, layers side by side: a text is longer than a model is deep.</summary>
    public static void Show(Terminal terminal, LensShowResult result)
    {
        terminal.Out.WriteLine(
            $"{result.Described} on {result.Model}; after each layer the likeliest next word, the last is the model's own"
        );
        var table = new DataTable([
            new Column("pos", true),
            "token",
            .. result.Layers.Select(layer => new Column($"{layer}")),
            new Column("answer", true),
            new Column("first", true),
            new Column("stays", true),
            "overridden",
        ]);
        foreach (var token in result.Tokens)
            table.Add([
                $"{token.Position}",
                Word(token.Piece),
                .. token.Cells.Select(cell => Word(cell.Top[0].Piece)),
                Share(token.Answer.Probability),
                $"{token.Appears}",
                $"{token.Settles}",
                token.Overridden is { } word ? $"{Word(word.Piece)} {Share(word.Probability)} after {token.OverriddenLayer}" : "",
            ]);
        table.Write(terminal);
        Watched(terminal, result);
    }

    /// <summary>The lenses below each other, layer by layer.</summary>
    public static void Score(Terminal terminal, LensScoreResult result)
    {
        terminal.Out.WriteLine($"{result.Windows} windows, {result.Tokens} positions; intervals of 95 % over windows");
        var table = new DataTable(
            "lens",
            new Column("layer", true),
            new("agrees with the model", true),
            new("KL", true),
            new("next word", true),
            new("in the next ten", true)
        );
        foreach (var lens in result.Lenses)
        foreach (var layer in lens.Layers)
            table.Add(
                lens.Lens,
                $"{layer.Layer}",
                Interval(layer.Agreement, Share),
                Interval(layer.Kl, Nats),
                Interval(layer.Next, Share),
                Interval(layer.Later, Share)
            );
        table.Write(terminal);
    }

    /// <summary>What a change does.</summary>
    public static void Steer(Terminal terminal, LensSteerResult result)
    {
        var writer = terminal.Out;
        var words = string.Join(", ", result.Token.Select(Quoted));
        writer.WriteLine(
            $"{result.Mode}{(words.Length > 0 ? $" {words}" : "")}{(result.To is { } to ? $" for {Quoted(to)}" : "")}, strength {result.Strength.ToString("0.###", CultureInfo.InvariantCulture)}, after layer {string.Join(", ", result.Layers)}, {result.Lens}"
        );
        writer.WriteLine(
            $"KL of the next word {Nats(result.Kl)} nats"
                + (
                    result.ControlKl.Count > 0
                        ? $"; with random words {Nats(result.ControlKl.Average())} (of {result.ControlKl.Count}, largest {Nats(result.ControlKl.Max())})"
                        : ""
                )
        );
        foreach (var word in result.Words)
            writer.WriteLine($"{Quoted(word.Piece)}: {Share(word.Normal)} before, {Share(word.Changed)} after");
        var table = new DataTable("normal", new Column("", true), "changed", new Column("", true));
        for (var i = 0; i < Math.Max(result.Normal.Count, result.Changed.Count); i++)
            table.Add(
                i < result.Normal.Count ? Word(result.Normal[i].Piece) : "",
                i < result.Normal.Count ? Share(result.Normal[i].Probability) : "",
                i < result.Changed.Count ? Word(result.Changed[i].Piece) : "",
                i < result.Changed.Count ? Share(result.Changed[i].Probability) : ""
            );
        table.Write(terminal);
        if (result.NormalText.Length + result.ChangedText.Length == 0)
            return;
        writer.WriteLine($"normal:  {VisibleText.Line(result.NormalText)}");
        writer.WriteLine($"changed: {VisibleText.Line(result.ChangedText)}");
    }

    public static string Nats(double value) => double.IsFinite(value) ? value.ToString("0.000", CultureInfo.InvariantCulture) : "–";

    public static string Share(double value) => value.ToString("0.0 %", CultureInfo.InvariantCulture);

    private static void Watched(Terminal terminal, LensShowResult result)
    {
        var cells = result.Tokens[^1].Cells;
        if (cells[0].Watched is not { Count: > 0 } words)
            return;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("followed words at the last token: probability and rank");
        var table = new DataTable([new Column("layer", true), .. words.Select(word => new Column(Word(word.Piece), true))]);
        foreach (var cell in cells)
            table.Add([$"{cell.Layer}", .. cell.Watched!.Select(word => $"{Share(word.Probability)}  {word.Rank + 1}")]);
        table.Write(terminal);
    }

    private static string Interval(MeanEstimate mean, Func<double, string> format) =>
        $"{format(mean.Mean)} [{format(mean.Low)}, {format(mean.High)}]";

    private static string Quoted(string piece) => $"'{LensWords.Shown(piece)}'";

    private static string Word(string piece) => VisibleText.Short(LensWords.Shown(piece).Trim(), LongestWord);
}
