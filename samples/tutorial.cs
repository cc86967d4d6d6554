#:project ../src/GemmaScope/GemmaScope.csproj
// The tutorial of the Gemma Scope release from start to end; docs/tutorial.md explains each step.
// Run: dotnet run samples/tutorial.cs [MODEL SAE]
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Models;

var (modelName, saeName) = args is [var first, var second]
    ? (first, second)
    : ("demo-pt", "demo-sae/resid_post/layer_3/width_2k/average_l0_35");

// Load the model and let it continue a prompt.
using var model = GemmaModel.Load(modelName);
var tokenizer = model.Tokenizer;
Console.WriteLine($"{model.Config.Layers} layers, width {model.Config.Width}, weights in {model.WeightType}");

var prompt = tokenizer.Encode("Would you be able to travel through time using a wormhole?", addBos: true);
var greedy = new GenerationOptions { Temperature = 0, MaxNewTokens = 20 };
Console.WriteLine($"continues: {tokenizer.Decode([.. model.Generate(prompt, greedy)])}");

// Load the SAE. It knows its site; the model runs up to there and keeps the activations.
using var sae = SparseDictionary.Load(saeName);
using var run = model.Run("Global temperatures reach record high in 2024", capture: [sae.InputSite]);
var x = run[sae.InputSite];                                     // [tokens, width]
Console.WriteLine($"{sae.Width} features of {sae.InputSite}, read at {x.Rows} tokens");

// Encode and decode.
var features = sae.Encode(run);                                 // [tokens, features], only what is above 0
using var reconstruction = sae.Decode(features, x.AsMatrix());  // [tokens, width]

// How much of the variance is explained? Position 0 is BOS and is left out.
var sums = new ReconstructionSums(x.Columns);
for (var t = 1; t < x.Rows; t++) sums.Add(x.Row(t), reconstruction.Row(t));
Console.WriteLine($"FVU {sums.Fvu:f4}; variance explained {sums.ExplainedVariance:f4}, by the tutorial's formula {sums.TutorialVarianceExplained:f4}");

// How many features are active? The tutorial counts those above 1.
var positions = Enumerable.Range(1, features.Rows - 1).ToArray();
Console.WriteLine($"L0 {positions.Average(features.L0):f4}; above 1: {positions.Average(t => features.CountAbove(t, 1)):f4}");

// BOS is an outlier.
var norms = Enumerable.Range(0, features.Rows).Select(t => TensorPrimitives.Norm<float>(x.Row(t))).ToArray();
Console.WriteLine($"norm {norms[0]:f1} and L0 {features.L0(0)} at BOS, norm {norms[1..].Average():f1} elsewhere");

// The strongest features of each token.
foreach (var t in positions)
    Console.WriteLine($"{tokenizer.Display(run.Tokens[t]),-10} {string.Join("  ", features.Top(t, 3).Select(f => $"{f.Feature} ({f.Value:f2})"))}");

// The page that shows what the strongest of all stands for.
var best = positions.SelectMany(t => features.Top(t, 1)).MaxBy(f => f.Value);
var links = new FeatureLinks(Path.GetFileName(modelName), sae);
Console.WriteLine($"feature {best.Feature}: {links.Neuronpedia(best.Feature) ?? links.Page(best.Feature)}");
