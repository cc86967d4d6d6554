using System.Text;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>What became of one dictionary of a suite, as its result file says.</summary>
internal sealed record SuiteResult(string Name, string Site, int Width, string Path, string? Failure, JsonSection? Scores)
{
    public double? Score(string key) => Scores?.Number(key);

    public static SuiteResult Read(SweepItem item)
    {
        var file = JsonFile.Read(System.IO.Path.Combine(item.Configuration.Output, TrainingResult.ResultFile));
        return new(
            item.Name,
            string.Join(' ', item.Configuration.Sites),
            item.Configuration.Width,
            file.Text("dictionary") ?? "",
            file.Text("failure"),
            file.Section("scores")
        );
    }

    /// <summary>Marks a dictionary as given up; --restart tries it again.</summary>
    public static void WriteFailure(TrainingMember member) =>
        AtomicFile.Write(
            System.IO.Path.Combine(member.Configuration.Output, TrainingResult.ResultFile),
            stream => stream.Write(Encoding.UTF8.GetBytes(Json.Text(json => json.WriteString("failure", member.Failure)))),
            overwrite: true
        );
}

/// <summary>The results of a suite as a table and as JSON.</summary>
internal static class SuiteResults
{
    public static readonly (string Key, string Title, string Format)[] Columns =
    [
        ("l0", "L0", "0.0"),
        ("fvu", "FVU", "0.000"),
        ("affine_fvu", "affine FVU", "0.000"),
        ("delta_loss", "delta loss", "0.0000"),
        ("loss_recovered", "loss recovered", "0.000"),
        ("dead_features", "dead", "0"),
        ("dense_features", "dense", "0"),
    ];

    public static void Print(Terminal terminal, SweepConfiguration suite, IReadOnlyList<SuiteResult> results)
    {
        var table = new DataTable(["dictionary", .. Columns.Select(column => new Column(column.Title, true)), "folder"]);
        foreach (var result in results)
            table.Add([
                result.Name,
                .. Columns.Select(column => result.Score(column.Key)?.ToString(column.Format) ?? "–"),
                result.Failure is { } failure ? $"failed: {failure}" : result.Path,
            ]);
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            $"{System.IO.Path.Combine(suite.Output, "results.html")} shows the frontiers; gemmascope dictionaries add {suite.Output} makes the names known"
        );
    }

    public static void Write(Utf8JsonWriter json, SweepConfiguration suite, IReadOnlyList<SuiteResult> results)
    {
        json.WriteString("output", suite.Output);
        json.Objects(
            "dictionaries",
            results,
            result =>
            {
                json.WriteString("name", result.Name);
                json.WriteString("site", result.Site);
                json.WriteNumber("width", result.Width);
                json.WriteString("path", result.Failure is null ? result.Path : null);
                json.WriteString("failure", result.Failure);
                foreach (var column in Columns)
                    json.Number(column.Key, result.Score(column.Key));
            }
        );
    }
}
