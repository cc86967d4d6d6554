#:project ../src/GemmaScope/GemmaScope.csproj
// Takes a text apart as `gemmascope analyze` does, and prints it as JSON. Run: dotnet run samples/analyze.cs [LABELS]
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Models;

using var model = GemmaModel.Load("demo-pt");
using var sae = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");

var options = new AnalyzeOptions
{
    TopPerToken = 2,
    TopWholeText = 3,
    Labels = args is [var file] ? FeatureLabels.Load(file) : null,   // JSON lines, JSON, CSV or TSV: feature and label
};
var analysis = TextAnalyzer.Analyze(model, sae, model.Tokenizer, "Global temperatures reach record high in 2024", options);

Console.WriteLine(JsonSerializer.Serialize(new
{
    analysis.Text,
    analysis.Dictionary,
    analysis.Arithmetic,
    analysis.MeanL0,
    analysis.Fvu,
    Left_out = analysis.ExcludedPositions,
    Tokens = analysis.Tokens.Where(token => token.Counted).Select(token => new { token.Display, token.L0, Top = token.Top.Select(Short) }),
    Whole_text = analysis.WholeTextTop.Select(Short),
    Next = analysis.Next.Select(next => next.Display),
}, new JsonSerializerOptions { WriteIndented = true }));

static object Short(FeatureReport feature) => new { feature.Index, feature.Activation, feature.Label };
