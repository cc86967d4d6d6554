#:project ../src/GemmaScope.Workbench/GemmaScope.Workbench.csproj
// Measures the demo dictionary over a text as `gemmascope eval` does, and says how far it is. Run: dotnet run samples/evaluate.cs
using GemmaScope.Workbench;

var folder = Directory.CreateTempSubdirectory();
var (text, page) = (Path.Combine(folder.FullName, "sea.txt"), Path.Combine(folder.FullName, "sea.html"));
File.WriteAllText(text, string.Concat(Enumerable.Range(1, 40).Select(i => $"Chapter {i}. The old man looked at the sea and said nothing. ")));

using var microscope = await Microscope.OpenAsync();   // demo-pt and its dictionary; MicroscopeOptions names others
var options = new EvaluateJobOptions { Corpus = new() { Text = [text], Window = 64, Batch = 4 } };
var result = await EvaluateJob.RunAsync(microscope, options, new Watcher());

foreach (var one in result.Dictionaries)
    Console.WriteLine($"{one.Name}: L0 {one.L0:0}, FVU {one.Fvu:0.00}, delta loss {one.DeltaLoss:0.0} nats over {result.CountedTokens} tokens");
EvaluatePage.Render(result).Save(page);   // the page of --html; ResultJson.Text(result) is what --json prints
Console.WriteLine($"a page of {new FileInfo(page).Length / 1024} KiB");
folder.Delete(recursive: true);

file sealed class Watcher : IProgress<JobReport>
{
    public void Report(JobReport value)
    {
        if (value is JobStage { Unit: "tokens" } stage)
            Console.WriteLine($"{stage.Done} tokens");
    }
}
