using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>A headline report for people at a terminal.</summary>
internal static class HeadlinesText
{
    public static void Write(Terminal terminal, HeadlinesView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Model),
            ("dictionary", view.Dictionary),
            ("headlines", $"{view.Headlines.Count}"),
            ("density from", $"{view.Tokens} tokens"),
            ("topics", view.Rule.Description)
        );
        if (view.Rule.Warning is { } warning)
            terminal.Out.WriteLine($"note: {warning}");
        terminal.Out.WriteLine();
        var table = new DataTable("topic", new Column("score", true), "headline", "evidence: feature, token, share of the score");
        foreach (var headline in view.Headlines)
            table.Add(
                headline.Topic.Topic ?? HeadlinesView.Unknown,
                $"{headline.Topic.Score:0.00}",
                Format.Visible(headline.Text),
                HeadlinesView.Evidence(headline)
            );
        table.Write(terminal);
        Features(terminal, view);
        if (view.Validation is { } validation)
            Write(terminal, validation);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(HeadlineAnalyzer.Formula);
    }

    private static void Features(Terminal terminal, HeadlinesView view)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("strongest features of each headline:");
        var table = new DataTable(
            new Column("no", true),
            new Column("feature", true),
            new Column("score", true),
            new Column("sum", true),
            new Column("density", true),
            "token",
            "label",
            "dashboard"
        );
        foreach (var (number, headline) in view.Headlines.Index())
        foreach (var feature in headline.Top)
            table.Add(
                $"{number + 1}",
                $"{feature.Feature}",
                $"{feature.Score:0.00}",
                $"{feature.Sum:0.00}",
                $"{feature.Density:0.0000}",
                Format.Quoted(headline.TokenText(feature.Position)),
                view.Label(feature.Feature) ?? "",
                view.Page(feature.Feature)
            );
        table.Write(terminal);
    }

    private static void Write(Terminal terminal, TopicValidation validation)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"on {validation.HeldOutRows} held-out headlines ({validation.Split}); the commonest topic alone is right for {validation.Majority:0.000}:"
        );
        var table = new DataTable(
            "method",
            new Column("accuracy", true),
            new Column("AUROC", true),
            new Column("named", true),
            new Column("right of those", true)
        );
        foreach (var method in validation.Methods)
            table.Add(
                method.Method,
                $"{method.Accuracy:0.000}",
                $"{method.Auroc:0.000}",
                $"{method.Known:0.000}",
                $"{method.AccuracyWhereKnown:0.000}"
            );
        table.Write(terminal);
    }
}
