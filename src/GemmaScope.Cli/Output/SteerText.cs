using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>What was steered, and the texts.</summary>
internal sealed record SteerView
{
    public string Model { get; init; } = "";

    public SparseDictionary? Dictionary { get; init; }

    public IReadOnlyList<int> Features { get; init; } = [];

    public (string File, int Pairs, float[] Vector)? Contrast { get; init; }

    public required Site Site { get; init; }

    public string Mode { get; init; } = "";

    public string Positions { get; init; } = "";

    public bool Bos { get; init; }

    public string Text { get; init; } = "";

    public int[] Prompt { get; init; } = [];

    public bool IsChat { get; init; }

    public GenerationOptions Options { get; init; } = new();

    public Continuation Normal { get; init; } = null!;

    public IReadOnlyList<Continuation> Steered { get; init; } = [];

    /// <summary>One line on the steering.</summary>
    public string Title
    {
        get
        {
            var strengths = Steered is [var one] ? one.Strengths : [];
            var what = Contrast is { } contrast
                ? $"{contrast.Pairs} pairs{(strengths is [var times] ? $" × {Number(times)}" : "")}"
                : string.Join(
                    ", ",
                    Features.Select((feature, i) => i < strengths.Count ? $"{feature} × {Number(strengths[i])}" : $"{feature}")
                );
            return $"steered: {what}, {Mode} at {Site}, {Positions switch { "all" => "all positions", "last" => "from the prompt’s last token on", _ => "new tokens only" }}{(Bos ? ", BOS too" : "")}";
        }
    }

    internal static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}

/// <summary>Texts with and without steering for people and programs.</summary>
internal static class SteerOutput
{
    /// <summary>Both texts as they are written: side by side on a terminal, one after the other in a pipe; then a line on what steering
    /// did.</summary>
    public static void Stream(Terminal terminal, SteerView view, CancellationToken cancellationToken)
    {
        if (terminal.OutputIsTerminal)
            SideBySide(terminal.Console, view);
        else
            OneAfterAnother(terminal, view);
        foreach (var one in view.Steered.Prepend(view.Normal))
            one.Measure(cancellationToken);
        if (view.Steered[0].Effect is not { } steered || view.Normal.Effect is not { } normal)
            return;
        terminal.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"KL from normal {steered.Kl:0.000} nats a token; surprise without steering {Nats(steered.Surprise)} ({Nats(normal.Surprise)} of the normal text); pairs repeated {steered.Repetition:0 %} ({normal.Repetition:0 %})"
            )
        );
    }

    private static void OneAfterAnother(Terminal terminal, SteerView view)
    {
        terminal.Out.WriteLine("normal");
        view.Normal.Finish(terminal.Out);
        terminal.Out.WriteLine();
        terminal.Out.Flush();
        if (view.Normal.IsInterrupted)
            return;
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(view.Title);
        view.Steered[0].Finish(terminal.Out);
        terminal.Out.WriteLine();
        terminal.Out.Flush();
    }

    /// <summary>A row for each strength.</summary>
    public static void Table(Terminal terminal, SteerView view)
    {
        var table = new DataTable(new Column("strength", true), new("KL", true), new("surprise", true), new("repeated", true), "text");
        foreach (var one in view.Steered.Prepend(view.Normal).Where(one => one.StoppedBy is not null))
        {
            var effect = one.Effect;
            table.Add(
                one == view.Normal ? "normal" : SteerView.Number(one.Strengths[0]),
                effect is null ? "" : effect.Kl.ToString("0.000", CultureInfo.InvariantCulture),
                effect is null ? "" : Nats(effect.Surprise),
                effect is null ? "" : effect.Repetition.ToString("0 %", CultureInfo.InvariantCulture),
                terminal.OutputIsTerminal ? Format.Visible(one.Text) : Excerpt(one.Text)
            );
        }
        table.Write(terminal);
    }

    public static void Write(Utf8JsonWriter json, SteerView view)
    {
        json.WriteString("model", view.Model);
        json.WriteString("dictionary", view.Dictionary?.Name);
        json.WriteString("site", $"{view.Site}");
        json.WriteString("mode", view.Mode);
        json.WriteString("positions", view.Positions);
        json.WriteBoolean("bos", view.Bos);
        if (view.Contrast is { } contrast)
            json.Object(
                "contrast",
                () =>
                {
                    json.WriteString("file", contrast.File);
                    json.WriteNumber("pairs", contrast.Pairs);
                    json.Number("norm", TensorPrimitives.Norm<float>(contrast.Vector));
                }
            );
        json.Integers("features", view.Features);
        json.WriteString("prompt", view.Text);
        json.WriteBoolean("chat", view.IsChat);
        json.Integers("prompt_ids", view.Prompt);
        json.Number("temperature", view.Options.Temperature);
        json.Number("frequency_penalty", view.Options.FrequencyPenalty);
        json.WriteNumber("seed", view.Options.Seed ?? 0);
        json.Object("normal", () => Write(json, view.Normal));
        json.Objects("steered", view.Steered.Where(one => one.StoppedBy is not null), one => Write(json, one));
    }

    private static void Write(Utf8JsonWriter json, Continuation one)
    {
        json.WriteStartArray("strengths");
        foreach (var strength in one.Strengths)
            json.WriteNumberValue(strength);
        json.WriteEndArray();
        json.WriteString("text", one.Text);
        json.Integers("ids", one.Ids);
        json.WriteString("stopped_by", one.StoppedBy);
        json.Number("kl", one.Effect?.Kl);
        json.Number("surprise", one.Effect?.Surprise);
        json.Number("repetition", one.Effect?.Repetition);
    }

    private static void SideBySide(IAnsiConsole console, SteerView view)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .BorderColor(Color.Grey)
            .Expand()
            .AddColumn(new TableColumn(new Paragraph("normal")))
            .AddColumn(new TableColumn(new Paragraph(view.Title)))
            .AddRow("", "");
        Continuation[] both = [view.Normal, view.Steered[0]];
        console
            .Live(table)
            .AutoClear(true)
            .Overflow(VerticalOverflow.Crop)
            .Cropping(VerticalOverflowCropping.Top)
            .Start(live =>
            {
                for (var more = true; more; )
                {
                    more = false;
                    foreach (var (column, one) in both.Index())
                    {
                        if (one.Next() is not { } text)
                            continue;
                        more = true;
                        if (text.Length > 0)
                            table.UpdateCell(0, column, new Paragraph(Format.Visible(one.Text)));
                    }
                    live.Refresh();
                }
            });
        console.Write(table);
    }

    private static string Nats(double value) => double.IsNaN(value) ? "-" : value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Excerpt(string text)
    {
        const int longest = 60;
        var line = Format.Visible(text.ReplaceLineEndings(" ")).Trim();
        if (line.Length <= longest)
            return line;
        // Never half a character.
        return line[..(char.IsHighSurrogate(line[longest - 1]) ? longest - 1 : longest)] + "…";
    }
}
