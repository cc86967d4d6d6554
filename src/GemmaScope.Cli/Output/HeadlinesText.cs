using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A headline report for people at a terminal.</summary>
internal static class HeadlinesText
{
    public static void Write(Terminal terminal, HeadlinesResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("dictionary", result.Dictionary),
            ("headlines", $"{result.Headlines.Count}"),
            ("density from", $"{result.DensityTokens} tokens"),
            ("topics", result.TopicSource)
        );
        if (result.Warning is { } warning)
            terminal.Out.WriteLine($"note: {warning}");
        terminal.Out.WriteLine();
        var table = new DataTable("topic", new Column("score", true), "headline", "evidence: feature, token, share of the score");
        foreach (var headline in result.Headlines)
            table.Add(
                headline.Topic ?? HeadlinesResult.Unknown,
                $"{headline.Score:0.00}",
                headline.Headline,
                string.Join("  ", headline.Evidence.Select(one => $"{one.Feature} {Format.Quoted(one.Token)} {one.Contribution:+0.00}"))
            );
        table.Write(terminal);
        Features(terminal, result);
        if (result.Validation is { } validation)
            Write(terminal, validation);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(result.Formula);
    }

    private static void Features(Terminal terminal, HeadlinesResult result)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("strongest features of each headline:");
        var first = result.Headlines.SelectMany(headline => headline.TopFeatures).FirstOrDefault()?.Page;
        var served = first is not null && Dashboards.AreServed(first);
        Column[] columns =
        [
            new("no", true),
            new("feature", true),
            new("score", true),
            new("sum", true),
            new("density", true),
            "token",
            "label",
        ];
        var table = new DataTable(served ? [.. columns, "dashboard"] : columns);
        foreach (var (number, headline) in result.Headlines.Index())
        foreach (var feature in headline.TopFeatures)
        {
            string[] cells =
            [
                $"{number + 1}",
                $"{feature.Feature}",
                $"{feature.Score:0.00}",
                $"{feature.Sum:0.00}",
                $"{feature.Density:0.0000}",
                Format.Quoted(feature.Token),
                feature.Label ?? "",
            ];
            table.Add(served ? [.. cells, feature.Page] : cells);
        }
        table.Write(terminal);
        if (first is not null && !served)
            terminal.Out.WriteLine(Dashboards.HowToServe(first));
    }

    private static void Write(Terminal terminal, TopicsValidation validation)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"on {validation.HeldOutRows} held-out headlines ({validation.Split}); "
                + $"the commonest topic alone is right for {validation.MajorityAccuracy:0.000}:"
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
                $"{method.Named:0.000}",
                $"{method.AccuracyWhereNamed:0.000}"
            );
        table.Write(terminal);
    }
}
