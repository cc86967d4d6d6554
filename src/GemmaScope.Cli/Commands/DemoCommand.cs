using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>The main job on the demo model, with a word on each step.</summary>
internal sealed class DemoCommand : GemmaScopeCommand
{
    private static readonly string[] Sentences =
    [
        "The cat sat on the mat and looked at the old man.",
        "The population of the country is 12,450,000 and its capital is a port.",
        "The cells of these mice express the protein in the liver.",
    ];

    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _html;
    private readonly Option<Uri> _server;

    public DemoCommand()
        : base(
            "demo",
            "Take a few sentences apart with the demo model, and let it go on with one.",
            "gemmascope demo",
            "gemmascope demo --html demo.html"
        )
    {
        _microscope = new MicroscopeArguments(this);
        _html = Add(CommonOptions.OutputFile("--html", "Write the first sentence's analysis as one self-contained page."));
        _server = Add(CommonOptions.Server());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        using var microscope = _microscope.Open(arguments, session);
        using var known = KnownFeatureOptions.Open(null, microscope);
        var server = arguments.GetValue(_server)!;
        var results = Sentences
            .Select(sentence =>
                session.Run(
                    (progress, token) =>
                        AnalyzeJob.RunAsync(
                            microscope,
                            new()
                            {
                                Text = sentence,
                                Server = server,
                                Known = known,
                            },
                            progress,
                            token
                        )
                )
            )
            .ToArray();

        Step(
            terminal,
            $"1. The model runs over a sentence; at {microscope.Dictionary.InputSite} "
                + "the dictionary says which of its features fire on each token."
        );
        AnalyzeText.Write(terminal, results[0]);
        Step(terminal, "2. Other sentences, other features.");
        Compare(terminal, results);
        Step(terminal, "3. What the model expects next.");
        foreach (var result in results)
        {
            terminal.Out.WriteLine(Format.Quoted(result.Text));
            AnalyzeText.NextTokens(terminal, result);
        }
        Step(terminal, "4. The model goes on with the first sentence (greedy, 40 tokens).");
        Continue(microscope, session);
        if (arguments.GetValue(_html) is { } page)
        {
            AnalyzePage.Render(results[0]).Save(page);
            terminal.Error.WriteLine($"wrote {page}");
        }
        AnalyzeText.GoOn(terminal, results[0]);
        return Application.Success;
    }

    private static void Step(Terminal terminal, string title)
    {
        if (!title.StartsWith('1'))
            terminal.Out.WriteLine();
        terminal.Out.WriteLine(title);
        terminal.Out.WriteLine();
    }

    private static void Compare(Terminal terminal, AnalyzeResult[] results)
    {
        var table = new DataTable("sentence", new("tokens", true), new("mean L0", true), new("FVU", true), "first features (sum)");
        foreach (var result in results)
        {
            var top = string.Join(
                "  ",
                result.WholeTextTop.Take(3).Select(one => $"{one.Feature}{AnalyzeText.Named(one.Label)} ({one.Sum:0.0})")
            );
            table.Add(
                result.Text,
                $"{result.Tokens.Count - result.ExcludedPositions.Count}",
                $"{result.MeanL0:0.0}",
                $"{result.Fvu:0.000}",
                top
            );
        }
        table.Write(terminal);
    }

    private static void Continue(Microscope microscope, Session session)
    {
        var terminal = session.Terminal;
        var options = new GenerateJobOptions
        {
            Prompt = Sentences[0],
            Sampling = new()
            {
                MaxNewTokens = 40,
                Temperature = 0,
                RepetitionPenalty = 1.3,
            },
        };
        terminal.Out.Write(options.Prompt);
        var result = session.Run(
            (progress, cancellationToken) =>
                GenerateJob.RunAsync(microscope, options, new TextDisplay(terminal.Text, terminal.Error, progress), cancellationToken)
        );
        session.Cancellation.ThrowIfCancellationRequested();
        terminal.Out.WriteLine();
        terminal.Out.Flush();
        terminal.Error.WriteLine(TextDisplay.Speed(result));
    }
}
