#:project ../src/GemmaScope/GemmaScope.csproj
// Reads the model at a site, then changes what it says there. Run: dotnet run samples/hooks.cs
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

using var model = GemmaModel.Load("demo-pt");
using var sae = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");
const string text = "The president of the United";

// Read: which features are active on each token?
using var run = model.Run(text, capture: [sae.InputSite]);   // runs up to that site and no further
var features = sae.Encode(run);                              // sparse: a few (feature, activation) for each token
for (var t = 1; t < features.Rows; t++)
    Console.WriteLine($"{model.Tokenizer.Display(run.Tokens[t]),-10} {string.Join(", ", features.Top(t, 3).Select(f => $"{f.Feature}: {f.Value:f1}"))}");

// Steer: push along one feature's direction at every token but BOS, and see what comes next.
var direction = new float[sae.OutputWidth];
sae.Decoder(1221, direction);
Show("untouched");
Show("steered by 1221", Edit.Add(sae.InputSite, direction, strength: 30, positions: 1..));

// A push of the same length in a random direction: what any push would do.
var random = Random(direction.Length);
Show("steered at random", Edit.Add(sae.InputSite, random, strength: 30 * TensorPrimitives.Norm<float>(direction), positions: 1..));

// Ablate: take a direction or a whole sub-layer away, or do anything at all to the rows of a site.
sae.Decoder(features.Top(features.Rows - 1, 1)[0].Feature, direction);
Show("strongest removed", Edit.ProjectOut(sae.InputSite, direction));
Show("no MLP in layer 1", Edit.Zero(Site.MlpOut(1)));
Show("z halved by hand", Edit.Function(Site.Z(0), (rows, firstPosition) =>
{
    for (var t = 0; t < rows.Rows; t++) TensorPrimitives.Multiply(rows.Row(t), 0.5f, rows.Row(t));
}));

void Show(string what, params Edit[] edits)
{
    using var changed = model.Run(text, edits: edits);
    Console.WriteLine($"{what,-18} {string.Join(", ", changed.TopNextTokens(3).Select(n => $"'{model.Tokenizer.Display(n.Token)}' {n.Probability:f2}"))}");
}

static float[] Random(int width)
{
    var random = new Random(1);
    var vector = Enumerable.Range(0, width).Select(_ => (float)(random.NextDouble() + random.NextDouble() - 1)).ToArray();
    TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), vector);
    return vector;
}
