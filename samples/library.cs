#:project ../src/GemmaScope/GemmaScope.csproj
// The snippets of docs/library.md. Run: dotnet run samples/library.cs
using GemmaScope;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

// Arithmetic: once, at the start. What is not named here is left to the environment.
Compute.UseKernels("auto");
Console.WriteLine($"{Compute.Kernels.Name}, {Compute.DefaultArithmetic}");

// Load: a folder, or org/name on the hub. Weights are mapped, not read.
using var model = GemmaModel.Load("models/demo-pt", progress: new Progress<HubProgress>(p => Console.Error.WriteLine(p)));
Console.WriteLine($"{model.Config.Layers} layers, {model.WeightBytes >> 20} MiB of {model.WeightType}");

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

// A cache: the second run computes its own tokens only.
using (var cache = model.NewCache())
{
    using var one = model.Run(sequences[0], cache: cache);
    using var two = model.Run(model.Tokenizer.Encode(" on"), cache: cache);
    Console.WriteLine($"{cache.Length} tokens, {cache.Bytes >> 10} KiB; next: '{model.Tokenizer.Display(two.TopNextTokens(1)[0].Token)}'");
}

// A chat in the template of the model's family.
var chat = model.ChatTemplate.Encode(model.Tokenizer, [new ChatMessage("user", "Hello")], addGenerationPrompt: true);
Console.WriteLine(model.Tokenizer.Decode(chat).ReplaceLineEndings("\\n"));

// Whatever you can cause and cure is a GemmaScopeException with one clear line.
try
{
    using var none = SparseDictionary.Load("models/demo-sae");
}
catch (GemmaScopeException problem)
{
    Console.WriteLine(problem.Message);
}
