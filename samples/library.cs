#:project ../src/GemmaScope/GemmaScope.csproj
// The program of docs/library.md. Run: dotnet run samples/library.cs
using GemmaScope;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

// Once, at the start. What is not named here is left to the environment.
Compute.UseKernels("auto");
Console.WriteLine($"{Compute.Kernels.Name}, {Compute.DefaultArithmetic}");

// Weights are mapped, not read.
using var model = GemmaModel.Load("demo-pt", progress: new Progress<HubProgress>(p => Console.Error.WriteLine(p)));
using var sae = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");
Console.WriteLine($"{model.Config.Layers} layers, {model.WeightBytes >> 20} MiB of {model.WeightType}; {sae.Width} features of {sae.InputSite}");

// Several sequences in one pass; rows of the captured tensor follow each other.
int[][] sequences = [model.Tokenizer.Encode("The cat sat", addBos: true), model.Tokenizer.Encode("It rained all day", addBos: true)];
using (var batch = model.Run(sequences, capture: [Site.ResidPost(3)], logits: LogitRows.All))
{
    var (start, count) = batch.RowsOf(1);
    var rows = batch[Site.ResidPost(3)].AsMatrix().SliceRows(start, count);   // a view: valid until the run is disposed
    Console.WriteLine($"{rows.Rows} rows of {rows.Columns}; cross-entropy {batch.CrossEntropy(1):f3} nats a token");
}

// Sites by name, in any dialect; attention has the shape [heads, queries, keys].
var sites = Site.ParseList("attn_pattern.0-1, blocks.2.hook_resid_post", model.Config.Layers);
using (var run = model.Run("The cat sat", capture: sites))
    foreach (var site in run.Sites.Order()) Console.WriteLine($"{site}: {run[site]}");

// A run without logits stops after the last site that somebody asked for; this one stops by hand.
using (var early = model.Run("The cat sat", capture: [Site.Embed], stopAfter: Site.ResidPost(1)))
    Console.WriteLine($"logits: {early.Logits?.ToString() ?? "none"}");

// An edit: along the direction of a feature, at every token but BOS.
var direction = new float[sae.OutputWidth];
sae.Decoder(1221, direction);
using (var steered = model.Run("The president of the United", edits: [Edit.Add(sae.InputSite, direction, strength: 30, positions: 1..)]))
    Console.WriteLine(string.Join(", ", steered.TopNextTokens(2).Select(next => $"'{model.Tokenizer.Display(next.Token)}' {next.Probability:f2}")));

// A cache: the second run computes its own tokens only.
using (var cache = model.NewCache())
{
    using var one = model.Run(sequences[0], cache: cache);
    using var two = model.Run(model.Tokenizer.Encode(" on"), cache: cache);
    Console.WriteLine($"{cache.Length} tokens, {cache.Bytes >> 10} KiB; next: '{model.Tokenizer.Display(two.TopNextTokens(1)[0].Token)}'");
}

// Token by token. A character may be made of several.
var text = model.Tokenizer.CreateStream(skipSpecial: true);
foreach (var token in model.Generate(model.Tokenizer.Encode("The old man", addBos: true), new GenerationOptions { Temperature = 0, MaxNewTokens = 8 }))
    Console.Write(text.Append(token));
Console.WriteLine(text.Flush());

// A chat in the template of the model's family.
var chat = model.ChatTemplate.Encode(model.Tokenizer, [new ChatMessage("user", "Hello")], addGenerationPrompt: true);
Console.WriteLine(model.Tokenizer.Decode(chat).ReplaceLineEndings("\\n"));

// The whole job of the command, with labels if there is a file of them.
var options = new AnalyzeOptions
{
    TopPerToken = 2,
    TopWholeText = 3,
    Labels = args is [var file] ? FeatureLabels.Load(file) : null,   // JSON lines, JSON, CSV or TSV: feature and label
};
var analysis = TextAnalyzer.Analyze(model, sae, model.Tokenizer, "Global temperatures reach record high in 2024", options);
Console.WriteLine($"L0 {analysis.MeanL0:f1}; strongest: {string.Join(", ", analysis.WholeTextTop.Select(feature => feature.Index))}");

// Whatever you can cause and cure is a GemmaScopeException with one clear line.
try
{
    using var none = SparseDictionary.Load("demo-sae");
}
catch (GemmaScopeException problem)
{
    Console.WriteLine(problem.Message);
}
