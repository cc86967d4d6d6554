#:project ../src/GemmaScope/GemmaScope.csproj
// Traces how a prompt leads to the next word, and proves it by turning a feature off. Run: dotnet run samples/circuits.cs
using GemmaScope.Circuits;
using GemmaScope.Models;

using var model = GemmaModel.Load("demo-pt");
using var transcoders = TranscoderSet.Load(["demo-scope/transcoder_all"], model.Config);   // one for the MLP of each layer
int[] prompt = model.Tokenizer.Encode("The people of the United", addBos: true);
int Token(string text) => model.Tokenizer.Encode(text).Single();

// The graph: how features, errors and tokens add up to each other and to a target, here the lead of one word over another.
using var replacement = ReplacementModel.Of(model, transcoders, prompt);
CircuitTarget lead = CircuitTarget.Difference(Token(" States"), Token(" Kingdom")) with { Name = " States over Kingdom" };
using var graph = AttributionGraph.Compute(replacement, [lead]);
Console.WriteLine($"{graph.FeatureCount} features; complete: {graph.IsComplete}; replacement {graph.ReplacementScore:f2}, completeness {graph.CompletenessScore:f2}");

// Its strongest edges from features: what each contributes to the lead.
var row = new float[graph.FirstTarget];
graph.Row(graph.FirstTarget, row);
foreach (var node in Enumerable.Range(0, graph.FeatureCount).OrderByDescending(node => Math.Abs(row[node])).Take(3))
    Console.WriteLine($"feature {graph.Feature(node).Layer}/{graph.Feature(node).Feature} at {graph.Feature(node).Position}: {row[node]:+0.00;-0.00}");

// The proof: with all else frozen, turning features off changes the lead by exactly their edges; free, the model answers.
foreach (var mode in Enum.GetValues<InterventionMode>())
    Console.WriteLine($"{mode}: Spearman {EffectAgreement.Of(EffectCheck.Measure(graph, mode, strongest: 10, random: 0)).Spearman:f2}");

// What adds to the lead directly, and why a head looks where it looks: both sums are exact.
var direct = LogitAttribution.Of(replacement, Token(" States"), Token(" Kingdom"));
foreach (var part in direct.Parts.OrderByDescending(part => Math.Abs(part.Value)).Take(3))
    Console.WriteLine($"{part.Kind} of layer {part.Layer}: {part.Value:+0.00;-0.00}");
using var look = QueryKeyAttribution.Of(replacement, layer: 4, head: 0, query: 5, key: 2);
Console.WriteLine($"head 4/0 scores {look.Score:f2}; most by {look.Strongest(1)[0].Query.Kind} × {look.Strongest(1)[0].Key.Kind}: {look.Strongest(1)[0].Value:f2}");

// The same changes while the model writes.
var strongest = graph.Feature(Enumerable.Range(0, graph.FeatureCount).MaxBy(node => graph.Influence[node]));
var off = Intervention.Edits(transcoders, [FeatureChange.Ablate(strongest.Layer, strongest.Feature)], model.Config);
GenerationOptions greedy = new() { Temperature = 0, MaxNewTokens = 6 };
Console.WriteLine($"with it:    {model.Tokenizer.Decode([.. model.Generate(prompt, greedy)])}");
Console.WriteLine($"without it: {model.Tokenizer.Decode([.. model.Generate(prompt, greedy with { Edits = off })])}");

// The graph without what hardly matters, in the JSON form that viewers of attribution graphs read.
var pruned = graph.Prune(nodeShare: 0.8, edgeShare: 0.98);
pruned.ToDocument(new() { Slug = "united", Scan = "demo-pt", TokenText = model.Tokenizer.Display }).Write(Path.GetTempFileName(), overwrite: true);
Console.WriteLine($"{pruned.Nodes.Count} nodes and {pruned.Edges.Count} edges stay");
