using System.Text.Json.Nodes;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Cli;
using GemmaScope.Tests.Models;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A converted and a quantised model answer as their folder of safetensors does, in every command that runs them.</summary>
public sealed class SameModelTests : IDisposable
{
    private const string Sentence = "The cat sat on the mat and looked at the dog.";

    /// <summary>Sums of another order, over six layers.</summary>
    private const double Rounding = 2e-3;

    private readonly TemporaryFolder _folder = new();

    public SameModelTests() => File.WriteAllText(_folder.File("a.txt"), string.Join(' ', Enumerable.Repeat(Sentence, 8)));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_converted_model_answers_to_the_last_digit()
    {
        var file = _folder.File("model.gguf");
        GgufCopy.Write(Fixtures.Model("demo-it"), file, DType.BF16);
        RequireSame(Fixtures.Model("demo-it"), file, 0);
    }

    [Fact]
    public void a_quantised_model_answers_as_its_numbers_in_f32()
    {
        var (file, wide) = (_folder.File("model.gguf"), _folder.File("wide"));
        GgufCopy.Write(Fixtures.Model("demo-it"), file, DType.Q4_0);
        Directory.CreateDirectory(wide);
        using (var model = GemmaModel.Load(file))
            WidenedModel.Write(_folder.Path, model.Config, wide);
        foreach (var name in (string[])["tokenizer.model", "chat_template.jinja"])
            File.Copy(Fixtures.Model("demo-it", name), Path.Combine(wide, name));
        RequireSame(wide, file, Rounding);
    }

    private void RequireSame(string one, string other, double tolerance)
    {
        Same(["analyze", Sentence, "--sae", "demo-sae", "--json"]);
        Same(["eval", "--text", _folder.File("a.txt"), "--window", "32", "--sae", "demo-sae", "--json"]);
        Same(["generate", Sentence, "--max-tokens", "12", "--temperature", "0", "--json"]);

        void Same(string[] command)
        {
            var (want, got) = (Answer(one), Answer(other));
            Compare(command[0], want, got);

            JsonNode Answer(string model)
            {
                var run = CommandLine.Run([.. command, "--model", model]);
                Assert.True(run.Code == 0, run.Error);
                return JsonNode.Parse(run.Out)!;
            }
        }

        void Compare(string where, JsonNode? want, JsonNode? got)
        {
            switch (want)
            {
                case JsonObject fields:
                    foreach (var (name, value) in fields)
                        // What it is called and how it is stored is what differs; warnings go by the name.
                        if (name is not ("model" or "warnings" or "quantised" or "page" or "seconds" or "tokens_per_second"))
                            Compare($"{where}.{name}", value, got![name]);
                    break;
                case JsonArray list:
                    Assert.True(list.Count == got!.AsArray().Count, where);
                    for (var i = 0; i < list.Count; i++)
                        Compare($"{where}[{i}]", list[i], got[i]);
                    break;
                case JsonValue value when value.TryGetValue<double>(out var number):
                    Assert.True(
                        Math.Abs(number - got!.GetValue<double>()) <= tolerance * Math.Max(1, Math.Abs(number)),
                        $"{where}: {number}, {got}"
                    );
                    break;
                default:
                    Assert.True($"{want}" == $"{got}", $"{where}: {want}, {got}");
                    break;
            }
        }
    }
}
