#:project ../src/GemmaScope/GemmaScope.csproj
// The same by hand, with the library alone: harvest, read, train, look at each step. Run: dotnet run samples/train-steps.cs
using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Training;

var folder = Directory.CreateTempSubdirectory("gemmascope-steps-").FullName;
var file = Path.Combine(folder, "text.txt");
var days = Enumerable.Range(1, 100).Select(i => $"On day {i} the cat saw {i * i % 101} dogs by the river.");
File.WriteAllText(file, string.Join("\n\n", days));

using var model = GemmaModel.Load("demo-pt");
var text = WindowSource.FromText(model.Tokenizer, [file], context: 64);
var options = new HarvestOptions { Sites = [Site.MlpIn(3), Site.MlpOut(3)], Type = DType.BF16 };
var store = Harvester.Run(model, text, Path.Combine(folder, "store"), options);
Console.WriteLine($"{store.Rows} rows at {string.Join(" and ", store.Sites)}");

var configuration = new TrainingConfiguration
{
    Kind = GemmaScope.Dictionaries.DictionaryKind.Transcoder,
    Sites = [Site.MlpIn(3)],
    Width = 64,
    Data = new() { Store = store.Folder },
    Batch = 128,
    Steps = 40,
    Recipe = new() { Architecture = Architecture.BatchTopK, Sparsity = SparsityTerm.None, K = 8, LearningRate = 3e-3, WarmupSteps = 5 },
    Output = Path.Combine(folder, "run"),
};
using (var source = TrainingData.Open(configuration.Data, configuration.AllSites, model))
using (var run = TrainingRun.Open([configuration], source, configuration.Output))
{
    run.Run(new Steps());
    using var dictionary = run.Members[0].ToDictionary("mine");
    Console.WriteLine($"{dictionary.Width} features from {dictionary.InputSite} to {dictionary.OutputSites[0]}, {run.Members[0].Last!.L0:0.0} active");
}
Directory.Delete(folder, recursive: true);

// Progress<T> would report late, from another thread.
internal sealed class Steps : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step % 20 == 0)
            Console.WriteLine($"step {value.Step} of {value.TotalSteps}, {value.Tokens} activations");
    }
}
