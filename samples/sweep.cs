#:project ../src/GemmaScope.Workbench/GemmaScope.Workbench.csproj
// Trains a suite of dictionaries as `gemmascope sweep` does. Run: dotnet run samples/sweep.cs
using GemmaScope.Training;
using GemmaScope.Workbench;

var folder = Directory.CreateTempSubdirectory("gemmascope-sweep-").FullName;
var text = Path.Combine(folder, "text.txt");
var days = Enumerable.Range(1, 150).Select(i => $"On day {i} the cat saw {i * i % 101} dogs by the river.");
File.WriteAllText(text, string.Join("\n\n", days));

var suite = new SweepConfiguration
{
    Output = Path.Combine(folder, "suite"),
    Grid = new() { Layers = [1, 3], K = [4, 16] },
    Base = new()
    {
        Width = 128,
        Data = new() { Text = [text], Model = "demo-pt", Window = 64, BufferRows = 1024 },
        Batch = 128,
        Steps = 60,
        Recipe = new() { Architecture = Architecture.TopK, Sparsity = SparsityTerm.None, LearningRate = 3e-3, WarmupSteps = 5 },
        Evaluation = new() { Tokens = 1000 },
    },
};
var result = await SweepJob.RunAsync(new() { Configuration = suite });
foreach (var one in result.Dictionaries)
    Console.WriteLine($"{one.Name}: L0 {one.L0:0.0}, FVU {one.Fvu:0.00}, {one.Path}");
Console.WriteLine($"{Directory.GetFiles(suite.Output, "results.*").Length} files of results");
Directory.Delete(folder, recursive: true);
