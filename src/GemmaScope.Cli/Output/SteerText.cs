using System.Globalization;
using GemmaScope.Behaviour;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>Texts with and without steering for people.</summary>
internal static class SteerText
{
    /// <summary>Both texts as they are written: side by side on a terminal, one after the other in a pipe; then a line on what steering
    /// did.</summary>
    public static void Stream(Session session, Microscope microscope, SteerJobOptions options)
    {
        var title = Title(options, $"{(options.Contrast is null ? microscope.Dictionary.OutputSite : options.Site)}");
        var result = session.Terminal.OutputIsTerminal
            ? SideBySide(session, microscope, options with { InTurn = true }, title)
            : OneAfterAnother(session, microscope, options, title);
        if (result.Steered is not [{ IsMeasured: true } steered] || !result.Normal.IsMeasured)
            return;
        var normal = result.Normal;
        session.Terminal.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"KL from normal {steered.Kl:0.000} nats a token; surprise without steering {Nats(steered.Surprise)} ({Nats(normal.Surprise)} of the normal text); pairs repeated {steered.Repetition:0 %} ({normal.Repetition:0 %})"
            )
        );
    }

    /// <summary>A row for each strength.</summary>
    public static void Table(Terminal terminal, SteerResult result)
    {
        var table = new DataTable(new Column("strength", true), new("KL", true), new("surprise", true), new("repeated", true), "text");
        foreach (var one in result.Steered.Prepend(result.Normal))
            table.Add(
                one == result.Normal ? "normal" : Number(one.Strengths[0]),
                one.IsMeasured ? one.Kl!.Value.ToString("0.000", CultureInfo.InvariantCulture) : "",
                one.IsMeasured ? Nats(one.Surprise) : "",
                one.IsMeasured ? one.Repetition!.Value.ToString("0 %", CultureInfo.InvariantCulture) : "",
                terminal.OutputIsTerminal ? VisibleText.Of(one.Text) : Excerpt(one.Text)
            );
        table.Write(terminal);
    }

    /// <summary>One line on the steering.</summary>
    private static string Title(SteerJobOptions options, string site)
    {
        var strengths = options.Runs[0];
        var what = options.Contrast is { } contrast
            ? $"{contrast.Pairs.Count} pairs × {Number(strengths[0])}"
            : string.Join(
                ", ",
                options.SteeredFeatures.Select(
                    (one, i) => i < strengths.Length ? $"{one.Feature} × {Number(strengths[i])}" : $"{one.Feature}"
                )
            );
        var where = options.At switch
        {
            SteeredPositions.All => "all positions",
            SteeredPositions.FromLast => "from the prompt’s last token on",
            _ => "new tokens only",
        };
        return $"steered: {what}, {Steering.NameOf(options.Mode)} at {site}, {where}{(options.Bos ? ", BOS too" : "")}";
    }

    private static SteerResult OneAfterAnother(Session session, Microscope microscope, SteerJobOptions options, string title)
    {
        var writer = session.Terminal.Text;
        var begun = 0;
        var result = session.Run((progress, stop) => SteerJob.RunAsync(microscope, options, new TextsDisplay(Show, progress), stop));
        Begin(result.Steered.Count);
        writer.WriteLine();
        writer.Flush();
        return result;

        void Show(JobText piece)
        {
            Begin(piece.Series);
            writer.Write(piece.Text);
            writer.Flush();
        }

        void Begin(int series)
        {
            for (; begun <= series; begun++)
                writer.Write(begun == 0 ? $"normal{writer.NewLine}" : $"{writer.NewLine}{writer.NewLine}{title}{writer.NewLine}");
        }
    }

    private static SteerResult SideBySide(Session session, Microscope microscope, SteerJobOptions options, string title)
    {
        var console = session.Terminal.Console;
        var table = new Table()
            .Border(TableBorder.Rounded)
            .BorderColor(Color.Grey)
            .Expand()
            .AddColumn(new TableColumn(new Paragraph("normal")))
            .AddColumn(new TableColumn(new Paragraph(title)))
            .AddRow("", "");
        string[] texts = ["", ""];
        var result = console
            .Live(table)
            .AutoClear(true)
            .Overflow(VerticalOverflow.Crop)
            .Cropping(VerticalOverflowCropping.Top)
            .Start(live =>
                session.Run(
                    (progress, stop) =>
                        SteerJob.RunAsync(
                            microscope,
                            options,
                            new TextsDisplay(
                                piece =>
                                {
                                    texts[piece.Series] += piece.Text;
                                    table.UpdateCell(0, piece.Series, new Paragraph(VisibleText.Of(texts[piece.Series])));
                                    live.Refresh();
                                },
                                progress
                            ),
                            stop
                        )
                )
            );
        console.Write(table);
        return result;
    }

    /// <summary>Shows texts while they are written; how many are done is seen then.</summary>
    private sealed class TextsDisplay(Action<JobText> show, IProgress<JobReport> others) : IProgress<JobReport>
    {
        public void Report(JobReport value)
        {
            if (value is JobText piece)
                show(piece);
            else if (value is not JobStage { Unit: "texts" })
                others.Report(value);
        }
    }

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Nats(double? value) =>
        value is { } number && !double.IsNaN(number) ? number.ToString("0.000", CultureInfo.InvariantCulture) : "-";

    private static string Excerpt(string text)
    {
        const int longest = 60;
        return VisibleText.Short(VisibleText.Line(text.ReplaceLineEndings(" ")).Trim(), longest);
    }
}
