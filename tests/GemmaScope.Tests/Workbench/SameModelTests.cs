using System.Net.Http.Json;
using System.Text.Json.Nodes;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Tests.Cli;
using GemmaScope.Tests.Models;
using GemmaScope.Workbench;
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
    public async Task a_converted_model_answers_to_the_last_digit()
    {
        var file = _folder.File("model.gguf");
        GgufCopy.Write(Fixtures.Model("demo-it"), file, DType.BF16);
        await RequireSame(Fixtures.Model("demo-it"), file, 0);
    }

    [Fact]
    public async Task a_light_model_answers_as_its_numbers_in_f32_and_not_as_the_one_it_was_made_from()
    {
        var (light, wide) = (_folder.File("light"), _folder.File("wide"));
        LightModel.Write(Fixtures.Model("demo-it"), light, LightWeights.Int8);
        Directory.CreateDirectory(wide);
        using (var stored = ShardedSafetensors.Open(light))
            SafetensorsWriter.Write(
                Path.Combine(wide, ShardedSafetensors.SingleName),
                stored.Names.Select(name => KeyValuePair.Create(name, stored[name].ToF32()))
            );
        foreach (var name in (string[])["config.json", "tokenizer.model", "chat_template.jinja"])
            File.Copy(Fixtures.Model("demo-it", name), Path.Combine(wide, name));
        await RequireSame(wide, light, Rounding);

        // Had one of them read the weights before they were quantised, it would differ from the others by as much.
        using GemmaModel original = GemmaModel.Load(Fixtures.Model("demo-it")),
            quantised = GemmaModel.Load(light);
        using ModelRun want = original.Run(Sentence),
            got = quantised.Run(Sentence);
        Assert.True(want.LastLogits().ToArray().Zip(got.LastLogits().ToArray(), (a, b) => Math.Abs(a - b)).Max() > 3 * Rounding);
    }

    [Fact]
    public async Task a_quantised_model_answers_as_its_numbers_in_f32()
    {
        var (file, wide) = (_folder.File("model.gguf"), _folder.File("wide"));
        GgufCopy.Write(Fixtures.Model("demo-it"), file, DType.Q4_0);
        Directory.CreateDirectory(wide);
        using (var model = GemmaModel.Load(file))
            WidenedModel.Write(_folder.Path, model.Config, wide);
        foreach (var name in (string[])["tokenizer.model", "chat_template.jinja"])
            File.Copy(Fixtures.Model("demo-it", name), Path.Combine(wide, name));
        await RequireSame(wide, file, Rounding);
    }

    private async Task RequireSame(string one, string other, double tolerance)
    {
        Same(["analyze", Sentence, "--sae", "demo-sae", "--json"]);
        Same(["eval", "--text", _folder.File("a.txt"), "--window", "32", "--sae", "demo-sae", "--json"]);
        Same(["generate", Sentence, "--max-tokens", "12", "--temperature", "0", "--json"]);
        var (want, got) = (await Served(one), await Served(other));
        foreach (var (route, answer) in want)
            Compare(route, answer, got[route]);

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

        static async Task<JsonObject> Served(string path)
        {
            using var model = GemmaModel.Load(path);
            using var dictionary = SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");
            var options = new ServerOptions
            {
                Port = 0,
                Guard = null,
                TimeLimit = Patience.Limit,
            };
            await using var host = await ServerHost.StartAsync(new(Microscope.Of("model", model, dictionary)), options);
            using var client = new HttpClient { BaseAddress = host.Address };
            var found = JsonNode.Parse(await client.GetStringAsync($"/analysis.json?q={Uri.EscapeDataString(Sentence)}"))!;
            var steered = new
            {
                dictionary = BuiltFeatures.Dictionary,
                text = Sentence,
                feature = 5,
                max_tokens = 12,
                temperature = 0,
            };
            using var written = await client.PostAsJsonAsync("/api/steer", steered);
            written.EnsureSuccessStatusCode();
            var lines = (await written.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            // How many tokens come in a piece is a matter of time.
            var parts = lines.Select(line => JsonNode.Parse(line)!).ToArray();
            return new()
            {
                ["analysis"] = found,
                ["texts"] = string.Join(
                    '|',
                    parts.GroupBy(part => $"{part["kind"]}").Select(of => string.Concat(of.Select(part => part["text"])))
                ),
                ["next"] = new JsonArray([.. parts.Where(part => part["next"] is not null).Select(part => part.DeepClone())]),
            };
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
