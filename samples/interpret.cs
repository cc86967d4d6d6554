#:project ../src/GemmaScope.Workbench/GemmaScope.Workbench.csproj
// Builds the dashboards of a dictionary over a text and explains some features by rules about tokens, scored on another text, as
// `gemmascope features build` and `gemmascope features interpret` do. Run: dotnet run samples/interpret.cs
using GemmaScope.Store;
using GemmaScope.Workbench;

var folder = Directory.CreateTempSubdirectory("interpret-").FullName;
using (var microscope = await Microscope.OpenAsync()) // the demo model and its dictionary
using (var database = FeatureDatabase.Open(Path.Combine(folder, "features.db"), create: true))
{
    var text = new TextBatches { Text = [Write("text.txt", seed: 1)], Tokens = 2000 };
    var build = new BuildFeaturesJobOptions { Text = text, Neurons = false, Work = Path.Combine(folder, "work") };
    var built = (await BuildFeaturesJob.RunAsync(microscope, database, build)).Dictionaries[0];
    Console.WriteLine($"{built.Model}/{built.Dictionary}: {built.Features} features over {built.CountedTokens} tokens");

    // Features that are neither rare nor everywhere; a language model may explain and judge them too: any IChatClient.
    var rows = database.Table(database.Find(built.Dictionary), new FeatureFilter { LowestDensity = 0.01, HighestDensity = 0.03, Take = 5 });
    var options = new InterpretJobOptions { Text = [Write("held-out.txt", seed: 2)], Tokens = 8000, Features = FeatureChoice.Of(rows.Select(row => row.Feature)) };
    var result = await InterpretJob.RunAsync(microscope, database, options);
    foreach (var one in result.Features) Console.WriteLine($"{one.Feature,4}  {one.Detection:0.00}  {one.Fuzzing:0.00}  {one.Text}");
    Console.WriteLine($"detection {result.Detection.Mean:0.00}, fuzzing {result.Fuzzing.Mean:0.00} on {result.Passages} passages");
}
Directory.Delete(folder, recursive: true);

string Write(string name, int seed)
{
    var (random, words) = (new Random(seed), "the old house river of in water king great small was not and people day night with under road tree".Split(' '));
    var file = Path.Combine(folder, name);
    File.WriteAllText(file, string.Join(' ', Enumerable.Range(0, 6000).Select(_ => words[random.Next(words.Length)])));
    return file;
}
