using System.CommandLine;
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
            "Show what is in a safetensors, GGUF, npz, npy or JSON file, or in a folder of them.",
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
        var options = new InspectJobOptions { Path = arguments.GetValue(_path)!, Statistics = arguments.GetValue(_statistics) };
        var result = session.Run((progress, cancellationToken) => InspectJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            Print(session.Terminal, result, options.Statistics);
        return Application.Success;
    }

    private static void Print(Terminal terminal, InspectResult result, bool statistics)
    {
        terminal.Out.WriteLine($"{result.Path}: {result.Kind}, {Format.Bytes(result.Bytes)}");
        if (result.Problem is { } problem)
            terminal.Out.WriteLine($"problem: {problem}");
        var report = result.Report;
        if (report.Metadata.Count > 0)
            Properties.Write(terminal, [.. report.Metadata.Select(entry => (entry.Key, entry.Value))]);
        if (result.Parts is { } parts)
        {
            foreach (var part in parts)
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
}
