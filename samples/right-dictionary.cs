#:project ../src/GemmaScope/GemmaScope.csproj
// Reads a dictionary of layer 3 at layer 4, and is told so. Run: dotnet run samples/right-dictionary.cs
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;

using var model = GemmaModel.Load("demo-pt");
using var sae = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35", new() { Site = Site.ResidPost(4) });
foreach (var finding in DictionaryChecker.Check(model, [sae], CheckText.Of(model.Tokenizer))[0].Findings)
    Console.WriteLine($"{finding.Cause}: read it at {finding.Site}");
