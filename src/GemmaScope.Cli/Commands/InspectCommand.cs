using System.CommandLine;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Numerics;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says what is in a file of the field.</summary>
internal sealed class InspectCommand : GemmaScopeCommand
{
    private readonly Argument<string> _path;
    private readonly Option<bool> _statistics,
        _json;

    public InspectCommand()
        : base(
            "inspect",
            "Show what is in a safetensors, npz, npy or JSON file, or in a folder of them.",
            "gemmascope inspect model.safetensors",
            "gemmascope inspect params.npz --stats",
            "gemmascope inspect google/gemma-2-2b/config.json --json"
        )
    {
        _path = Add(new Argument<string>("path") { Description = "A file or folder, here or on the hub." });
        _statistics = Add(
            new Option<bool>("--stats") { Description = "Read all values: smallest, largest, mean, and what is not finite." }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var statistics = arguments.GetValue(_statistics);
        var report = FileInspector.Inspect(
            session.Find(Locator.FileOrFolderAsync, arguments.GetValue(_path)!),
            statistics,
            session.Cancellation
        );
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => Write(json, report));
        else
            Print(session.Terminal, report, statistics);
        return Application.Success;
    }

    private static void Print(Terminal terminal, FileReport report, bool statistics)
    {
        terminal.Out.WriteLine($"{report.Path}: {KindName(report.Kind)}, {Format.Bytes(report.Bytes)}");
        if (report.Problem is { } problem)
            terminal.Out.WriteLine($"problem: {problem}");
        if (report.Metadata.Count > 0)
            Properties.Write(terminal, [.. report.Metadata.Select(entry => (entry.Key, entry.Value))]);
        if (report.Parts.Count > 0)
        {
            foreach (var part in report.Parts)
            {
                terminal.Out.WriteLine();
                Print(terminal, part, statistics);
            }
        }
        else if (report.Tensors.Count > 0)
        {
            Tensors(report.Tensors, statistics).Write(terminal);
            terminal.Out.WriteLine(
                $"{report.Tensors.Count} tensors, {Format.Count(report.Elements)} numbers, {Format.Bytes(report.TensorBytes)}"
            );
        }
    }

    private static DataTable Tensors(IReadOnlyList<TensorReport> tensors, bool statistics)
    {
        var table = statistics
            ? new DataTable(
                "tensor",
                "type",
                "shape",
                new("bytes", true),
                new("min", true),
                new("max", true),
                new("mean", true),
                new("NaN", true),
                new("infinite", true)
            )
            : new DataTable("tensor", "type", "shape", new("bytes", true));
        foreach (var tensor in tensors)
        {
            string[] cells = [tensor.Name, $"{tensor.Type}", Format.Shape(tensor.Shape), $"{tensor.Bytes}"];
            if (statistics)
                cells = [.. cells, .. Cells(tensor.Statistics)];
            table.Add(cells);
        }
        return table;
    }

    private static string[] Cells(TensorStatistics? statistics) =>
        statistics is null
            ? ["-", "-", "-", "-", "-"]
            :
            [
                $"{statistics.Minimum:g6}",
                $"{statistics.Maximum:g6}",
                $"{statistics.Mean:g6}",
                $"{statistics.NaNs}",
                $"{statistics.Infinities}",
            ];

    private static void Write(Utf8JsonWriter json, FileReport report)
    {
        json.WriteString("path", report.Path);
        json.WriteString("kind", KindName(report.Kind));
        json.WriteNumber("bytes", report.Bytes);
        if (report.Problem is { } problem)
            json.WriteString("problem", problem);
        json.Object(
            "metadata",
            () =>
            {
                foreach (var (name, value) in report.Metadata)
                    json.WriteString(name, value);
            }
        );
        if (report.Parts.Count > 0)
        {
            json.Objects("parts", report.Parts, part => Write(json, part));
            return;
        }
        json.Objects("tensors", report.Tensors, tensor => Write(json, tensor));
    }

    private static void Write(Utf8JsonWriter json, TensorReport tensor)
    {
        json.WriteString("name", tensor.Name);
        json.WriteString("dtype", $"{tensor.Type}");
        json.WriteStartArray("shape");
        foreach (var size in tensor.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteNumber("bytes", tensor.Bytes);
        json.WriteString("file", tensor.File);
        if (tensor.Statistics is not { } statistics)
            return;
        json.Number("min", statistics.Minimum);
        json.Number("max", statistics.Maximum);
        json.Number("mean", statistics.Mean);
        json.WriteNumber("nan", statistics.NaNs);
        json.WriteNumber("infinite", statistics.Infinities);
    }

    private static string KindName(FileKind kind) =>
        kind switch
        {
            FileKind.ShardIndex => "index of safetensors shards",
            FileKind.Json => "JSON",
            _ => kind.ToString().ToLowerInvariant(),
        };
}
