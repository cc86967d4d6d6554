#:project ../src/GemmaScope.Workbench/GemmaScope.Workbench.csproj
// Harvests activations over a text and trains a small dictionary on them. Run: dotnet run samples/train.cs
using GemmaScope.Models;
using GemmaScope.Training;
using GemmaScope.Workbench;

var folder = Directory.CreateTempSubdirectory("gemmascope-train-").FullName;
var text = Path.Combine(folder, "text.txt");
var days = Enumerable.Range(1, 150).Select(i => $"On day {i} the old queen of {i % 7} cities saw the river and said {i * i % 101} words.");
File.WriteAllText(text, string.Join("\n\n", days));

using var microscope = await Microscope.OpenAsync(new() { Model = "demo-pt", Use = DictionaryUse.None });
var harvest = new HarvestJobOptions { Text = [text], Sites = "resid_post.3", Store = Path.Combine(folder, "store"), Context = 64 };
var store = await HarvestJob.RunAsync(microscope, harvest);
Console.WriteLine($"{store.Rows} rows of {store.Sites[0].Width} at {store.Sites[0].Site}");

var configuration = new TrainingConfiguration
{
    Sites = [Site.ResidPost(3)],
    Width = 128,
    Data = new() { Store = store.Store.Folder },
    Batch = 128,
    Steps = 80,
    Recipe = new()
    {
        Sparsity = SparsityTerm.L0Target,
        L0Target = 12,
        LearningRate = 3e-3,
        WarmupSteps = 10,           // the defaults are made for billions of tokens
        LambdaWarmupSteps = 20,
        ThresholdStart = 0.1,
        Epsilon = 0.05,
    },
    Evaluation = new() { Tokens = 1000 },
    Output = Path.Combine(folder, "run"),
};
var trained = await TrainJob.RunAsync(new() { Configuration = configuration });
Console.WriteLine($"FVU {trained.Scores.Fvu:0.00}, L0 {trained.Scores.L0:0.0}");
Directory.Delete(folder, recursive: true);
