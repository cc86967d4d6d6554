using System.Diagnostics;
using GemmaScope.Circuits;

namespace GemmaScope.Bench;

/// <summary>A graph of a long prompt in the form that is mapped: how large it is, and how quick its first picture and the surroundings of a
/// node are, also where the file was just opened.</summary>
internal sealed class GraphFileBenchmark() : Benchmark("graph", "parts of a graph of 2,300 tokens from its file")
{
    private const double FirstPicture = 2000;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (tokens, features, errors, links) = setup.Options.Quick ? (50, 200, 100, 3000) : (2300, 10_000, 5_000, 3_000_000);
        var folder = Directory.CreateTempSubdirectory("gemmascope-graph-");
        try
        {
            var (json, file) = (Path.Combine(folder.FullName, "graph.json"), Path.Combine(folder.FullName, "graph" + GraphFile.Ending));
            var graph = RandomGraph.Make(tokens, 26, features, errors, links);
            var begun = Stopwatch.GetTimestamp();
            graph.Write(file);
            yield return Figure.Of("graph written", [Stopwatch.GetElapsedTime(begun).TotalSeconds], "s");
            graph.Write(json);
            yield return Figure.Of("links", [graph.Links.Count], "links");
            yield return Figure.Of("bytes a link, mapped form", [new FileInfo(file).Length / (double)graph.Links.Count], "bytes");
            yield return Figure.Of("bytes a link, JSON", [new FileInfo(json).Length / (double)graph.Links.Count], "bytes");
            begun = Stopwatch.GetTimestamp();
            GraphDocument.Read(json);
            yield return Figure.Of("JSON read as a whole", [Stopwatch.GetElapsedTime(begun).TotalSeconds], "s");

            begun = Stopwatch.GetTimestamp();
            using var opened = GraphFile.Open(file);
            opened.Part(new());
            yield return Figure.Below(
                "opened, and the 300 strongest nodes",
                [Stopwatch.GetElapsedTime(begun).TotalMilliseconds],
                "ms",
                "first picture",
                FirstPicture
            );
            string[] strongest =
            [
                .. graph
                    .Nodes.Where(node => node.Kind == GraphNodeKind.Feature)
                    .OrderBy(node => node.Influence)
                    .Take(20)
                    .Select(node => node.NodeId),
            ];
            yield return Figure.Of("around a node too", Times(node => opened.Part(new() { Around = [node] })), "ms");
            yield return Figure.Of("found by words", Times(_ => opened.Part(new() { Find = "subject 77" })), "ms");

            double[] Times(Action<string> read) =>
                Array.ConvertAll(
                    strongest,
                    node =>
                    {
                        var start = Stopwatch.GetTimestamp();
                        read(node);
                        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    }
                );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
