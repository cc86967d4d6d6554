#:project ../src/GemmaScope/GemmaScope.csproj
// What SAELens, TransformerLens and nnsight do in Python; the program of docs/coming-from-python.md. Run: dotnet run samples/from-python.cs
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

using var sae = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");
Console.WriteLine($"{sae.InputSite}: {sae.InputWidth} to {sae.Width}, {sae.Activation}");

using var model = GemmaModel.Load("demo-pt");
var tokens = model.Tokenizer.Encode("The president of the United", addBos: true);
Console.WriteLine(string.Join('|', tokens.Select(model.Tokenizer.Display)));

var attention = Site.Parse("blocks.2.attn.hook_pattern");
using var run = model.Run(tokens, capture: [sae.InputSite, attention], logits: LogitRows.All);
var residual = run[sae.InputSite];                  // [tokens, width]
var pattern = run[attention];                       // [heads, queries, keys]
Console.WriteLine($"{residual}, {pattern}");
foreach (var next in run.TopNextTokens(2))
    Console.WriteLine($"{model.Tokenizer.Display(next.Token)} {next.Value:f2} {next.Probability:f2}");

var features = sae.Encode(run);                     // sparse: [tokens, features]
using var reconstruction = sae.Decode(features);    // [tokens, width]
var t = tokens.Length - 1;
Console.WriteLine($"L0 {features.L0(t)}, strongest {features.Top(t, 1)[0].Feature}, cosine {TensorPrimitives.CosineSimilarity<float>(residual.Row(t), reconstruction.Row(t)):f2}");

var direction = new float[sae.OutputWidth];
sae.Decoder(1221, direction);                       // W_dec[1221]
using var steered = model.Run(tokens, edits: [Edit.Add(Site.Parse("blocks.3.hook_resid_post"), direction, strength: 30, positions: 1..)]);
using var halved = model.Run(tokens, edits: [Edit.Function(Site.Parse("model.layers.0.self_attn.o_proj.input"), (rows, firstPosition) =>
{
    for (var row = 0; row < rows.Rows; row++) TensorPrimitives.Multiply(rows.Row(row), 0.5f, rows.Row(row));
})]);
foreach (var changed in (ModelRun[])[steered, halved])
    Console.WriteLine(model.Tokenizer.Display(changed.TopNextTokens(1)[0].Token));

var greedy = new GenerationOptions { Temperature = 0, MaxNewTokens = 8 };
Console.WriteLine(model.Tokenizer.Decode([.. model.Generate(tokens, greedy)]));
