using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using GemmaScope.Behaviour.Verbalising;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Cli;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Xunit;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Workbench;

/// <summary>The mechanics of verbalised activations on planted pairs: the demo model describes nothing, but what it writes for a token is
/// known.</summary>
public sealed class VerbaliseTests(PlantedPair pair) : IClassFixture<PlantedPair>
{
    private string[] Words => pair.Words;

    [Fact]
    public void an_overwritten_embedding_that_is_a_tokens_own_says_what_the_token_says()
    {
        using var model = GemmaModel.Load(pair.Verbaliser);
        var verbaliser = new ActivationVerbaliser(model, NlaMetadata.Read(pair.Verbaliser), scale: null);
        // Three at a time: each prompt has a vector of its own.
        var said = verbaliser.Describe([.. Words.Select(word => pair.Embedding(word))], pair.Sampling);
        Assert.Equal(Words.Select(word => pair.Says(word)), said.Select(one => one.Text));
        Assert.Equal(3, said.Select(one => one.Text).Distinct().Count());
        Assert.All(said, one => Assert.False(one.IsMarked));
    }

    [Fact]
    public void the_length_of_a_vector_is_the_files_whatever_it_was()
    {
        using var model = GemmaModel.Load(pair.Verbaliser);
        var verbaliser = new ActivationVerbaliser(model, NlaMetadata.Read(pair.Verbaliser));
        float[] longer = [.. pair.Embedding(Words[0]).Select(value => 7 * value)];
        Assert.Equal(pair.Says(Words[0]), verbaliser.Describe([longer], pair.Sampling)[0].Text);
        Assert.Throws<ArgumentProblemException>(() => verbaliser.Describe([new float[model.Config.Width]], pair.Sampling));
        Assert.Throws<ArgumentProblemException>(() =>
            verbaliser.Describe(
                [
                    [1, 2],
                ],
                pair.Sampling
            )
        );
    }

    [Fact]
    public void a_reconstructor_multiplies_the_last_residual_of_its_layer_by_its_matrix_and_needs_no_final_norm()
    {
        using var reconstructor = ActivationReconstructor.Load(pair.Reconstructor);
        var got = reconstructor.Reconstruct([pair.Says(Words[1])])[0];
        var cosine = TensorPrimitives.CosineSimilarity<float>(got, pair.Embedding(Words[1]));
        // The matrix was made to turn what the model says of the words into their embeddings.
        Assert.True(cosine > 0.99, $"{cosine}");
    }

    [Fact]
    public async Task a_planted_pair_comes_back_and_its_controls_do_not()
    {
        var result = await Run(reconstructs: true);
        Assert.Equal(Words.Length, result.Items.Count);
        Assert.True(result.RoundTrip!.Low > 0.99, $"{result.RoundTrip}");
        Assert.True(result.Others!.High < 0.6, $"{result.Others}");
        // A shuffled vector may get the answer that this model gives to most things, and one of the words has it too.
        Assert.True(result.Shuffled!.Mean < result.RoundTrip.Low, $"{result.Shuffled}");
        Assert.True(result.MeanDirection!.High < 0.6);
        Assert.True(result.Explained > 0.95);
        var page = VerbalisePage.Render(result).ToString();
        Assert.Contains("another vector", page);
        Assert.Contains("Not shown", page);
    }

    [Fact]
    public async Task without_a_reconstructor_that_is_said()
    {
        var result = await Run(reconstructs: false);
        Assert.Null(result.RoundTrip);
        Assert.Contains(result.NotShown, line => line.Contains("no reconstructor"));
    }

    [Fact]
    public void a_round_trip_of_directions_is_judged_beside_mean_and_others()
    {
        float[][] vectors =
        [
            [1, 0, 0],
            [0, 2, 0],
            [0, 0, 3],
        ];
        var exact = RoundTrip.Of(
            vectors,
            [
                [5, 0, 0],
                [0, 1, 0],
                [0, 0, 1],
            ]
        );
        Assert.All(exact.Cosines, cosine => Assert.Equal(1, cosine, 1e-6));
        Assert.All(exact.Others.Concat(exact.Means), cosine => Assert.Equal(0, cosine, 1e-6));
        Assert.Equal(1, exact.Explained!.Value, 1e-6);
        // Always the same answer: the mean. Its cosine with each is 1/√3, and it explains less than nothing, as it is made as long as they.
        var constant = RoundTrip.Of(
            vectors,
            [
                [1, 1, 1],
                [1, 1, 1],
                [1, 1, 1],
            ]
        );
        Assert.All(constant.Cosines.Concat(constant.Others), cosine => Assert.Equal(1 / Math.Sqrt(3), cosine, 1e-6));
        Assert.True(constant.Explained < 0);
        Assert.Null(
            RoundTrip
                .Of(
                    [
                        [1, 2],
                    ],
                    [
                        [1, 2],
                    ]
                )
                .Explained
        );
    }

    [Fact]
    public void an_explanation_is_what_stands_between_its_marks()
    {
        Assert.Equal(new("two\nlines", true), ActivationVerbaliser.Read("so <explanation>\ntwo\nlines </explanation> end"));
        Assert.Equal(new("<explanation> cut", false), ActivationVerbaliser.Read("<explanation> cut "));
    }

    [Theory]
    [InlineData("kind: nla_model", "kind: other", "nla_model is read")]
    [InlineData("role: av", "role: ar", "turns text into a vector")]
    [InlineData("role: av", "role: judge", "'judge'")]
    [InlineData("d_model: 256", "d_model: 8", "the model of 256")]
    [InlineData("injection_scale: SCALE", "injection_scale: null", "how long vectors were made")]
    [InlineData("injection_scale: SCALE", "injection_scale: -1", "above 0")]
    [InlineData("injection_left_neighbor_id: LEFT", "injection_left_neighbor_id: 1", "0 times")]
    [InlineData("{injection_char}", "{another}", "{injection_char}")]
    [InlineData("  mse_scale: sqrt_d_model", "  norm: whitened", "'whitened'")]
    public void a_file_that_does_not_fit_is_said(string old, string changed, string message)
    {
        using var folder = PlantedPair.Linked();
        File.WriteAllText(folder.File(NlaMetadata.FileName), pair.Metadata(old, changed));
        using var model = GemmaModel.Load(pair.Verbaliser);
        var problem = Assert.ThrowsAny<GemmaScopeException>(() => new ActivationVerbaliser(model, NlaMetadata.Read(folder.Path)));
        Assert.Contains(message, problem.Describe(setting => setting.Name));
    }

    [Fact]
    public void scales_may_be_the_root_of_the_width_or_none()
    {
        using var folder = new TemporaryFolder();
        NlaMetadata Read(string scale)
        {
            File.WriteAllText(folder.File(NlaMetadata.FileName), pair.Metadata("injection_scale: SCALE", $"injection_scale: {scale}"));
            return NlaMetadata.Read(folder.Path);
        }
        Assert.Equal(16, Read("sqrt_d_model").InjectionScale);
        Assert.Equal(80000, Read("'80000'").InjectionScale);
        Assert.True(Read("raw") is { InjectionScale: null, IsInjectedRaw: true });
        Assert.Equal(16, Read("1.5").ComparisonScale);
    }

    [Fact]
    public void the_command_describes_a_text_and_says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run(
            "verbalise",
            "The cat sat",
            "--verbaliser",
            pair.Verbaliser,
            "--reconstructor",
            pair.Reconstructor,
            "--last",
            "2",
            "--max-tokens",
            "4",
            "--html",
            folder.File("page.html")
        );
        Assert.Equal(0, run.Code);
        Assert.Contains("round trip", run.Out);
        Assert.Contains("mean direction of the others", run.Out);
        Assert.True(File.Exists(folder.File("page.html")));
        Assert.Contains("nla_meta.yaml", CommandLine.Run("verbalise", "The cat", "--verbaliser", "demo-it").Error);
        Assert.Contains("--last", CommandLine.Run("verbalise", "The cat", "--verbaliser", "demo-it", "--last", "-1").Error);
    }

    private async Task<VerbaliseResult> Run(bool reconstructs)
    {
        using var folder = new TemporaryFolder();
        string[] files = [.. Words.Select(word => pair.Write(folder, word))];
        using var verbaliser = await Microscope.OpenAsync(new() { Model = pair.Verbaliser, Use = DictionaryUse.None });
        using var reconstructor = reconstructs ? await VerbaliseJob.OpenReconstructorAsync(pair.Reconstructor) : null;
        return await VerbaliseJob.RunAsync(null, verbaliser, reconstructor, new() { Vectors = files, Sampling = pair.Sampling });
    }
}

/// <summary>
/// The demo model as a verbaliser with a file of its own, and two of its layers as a reconstructor whose matrix turns what the verbaliser
/// says of some words into the embeddings of these words.
/// </summary>
public sealed class PlantedPair : IDisposable
{
    private const string Placeholder = "sun",
        Template = "Tell me about the {injection_char} please.";

    private readonly TemporaryFolder _verbaliser = Linked(),
        _reconstructor = new();
    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Model("demo-it"));
    private readonly Dictionary<string, string> _values;

    public PlantedPair()
    {
        var prompt = Ids(Placeholder);
        var place = Array.IndexOf(prompt, Token(Placeholder));
        _values = new()
        {
            // All embeddings of the words are brought to one length, so that one scale fits all.
            ["SCALE"] = "40",
            ["ID"] = $"{prompt[place]}",
            ["LEFT"] = $"{prompt[place - 1]}",
            ["RIGHT"] = $"{prompt[place + 1]}",
        };
        File.WriteAllText(_verbaliser.File(NlaMetadata.FileName), Metadata("", ""));
        Words =
        [
            .. ((string[])["river", "music", "winter", "money", "horse", "war", "king", "book", "children", "food", "city", "law"])
                .DistinctBy(Says)
                .Take(3),
        ];
        WriteReconstructor();
    }

    /// <summary>Words of which the model says different things.</summary>
    public string[] Words { get; }

    public string Verbaliser => _verbaliser.Path;

    public string Reconstructor => _reconstructor.Path;

    public GenerationOptions Sampling =>
        new()
        {
            MaxNewTokens = 24,
            Temperature = 0,
            StopTokens = ChatTuning.StopTokens(_model),
        };

    /// <summary>A folder with the demo model's files.</summary>
    internal static TemporaryFolder Linked()
    {
        var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Fixtures.Model("demo-it")))
            File.CreateSymbolicLink(folder.File(Path.GetFileName(file)), file);
        return folder;
    }

    /// <summary>The file, with a change.</summary>
    public string Metadata(string old, string changed)
    {
        var text = $$"""
            schema_version: 2
            kind: nla_model
            role: av
            d_model: 256
            extraction_layer_index: 1
            extraction:
              injection_scale: SCALE
              mse_scale: sqrt_d_model
            tokens:
              injection_char: {{Placeholder}}
              injection_token_id: ID
              injection_left_neighbor_id: LEFT
              injection_right_neighbor_id: RIGHT
              critic_suffix_ids: null
            prompt_templates:
              av: "{{Template}}"
              ar: "Text: {explanation}"
            """;
        if (old.Length > 0)
            text = text.Replace(old, changed);
        foreach (var (name, value) in _values)
            text = text.Replace($": {name}\n", $": {value}\n");
        return text;
    }

    /// <summary>A word's embedding, as long as the file says.</summary>
    public float[] Embedding(string word)
    {
        using var run = _model.Run([Token(word)], capture: [Site.Embed]);
        var row = run[Site.Embed].Row(0).ToArray();
        var norm = TensorPrimitives.Norm<float>(row);
        return Array.ConvertAll(row, value => value * 40 / norm);
    }

    /// <summary>What the model says where the word itself stands, its embedding made as long.</summary>
    public string Says(string word)
    {
        var prompt = Ids(word);
        var place = Array.LastIndexOf(prompt, Token(word));
        var options = Sampling with
        {
            Edits =
            [
                Edit.Function(
                    Site.Embed,
                    (rows, _) => TensorPrimitives.Multiply(rows.Row(0), 40 / TensorPrimitives.Norm<float>(rows.Row(0)), rows.Row(0)),
                    Positions.At(place)
                ),
            ],
        };
        return _model.Tokenizer.Decode([.. _model.Generate(prompt, options)], skipSpecial: true).Trim();
    }

    internal string Write(TemporaryFolder folder, string word)
    {
        using var tensor = Tensor.From(Embedding(word), 256);
        NpyWriter.Write(folder.File($"{word}.npy"), tensor);
        return folder.File($"{word}.npy");
    }

    public void Dispose()
    {
        _model.Dispose();
        _verbaliser.Dispose();
        _reconstructor.Dispose();
    }

    private int Token(string word) => _model.Tokenizer.Encode($"the {word}")[^1];

    private int[] Ids(string word) =>
        _model.ChatTemplate.Encode(
            _model.Tokenizer,
            [new ChatMessage("user", Template.Replace("{injection_char}", word, StringComparison.Ordinal))],
            addGenerationPrompt: true
        );

    private void WriteReconstructor()
    {
        foreach (var name in (string[])["generation_config.json", "tokenizer.model", "chat_template.jinja"])
            File.CreateSymbolicLink(_reconstructor.File(name), Fixtures.Model("demo-it", name));
        var config = JsonNode.Parse(File.ReadAllText(Fixtures.Model("demo-it", "config.json")))!.AsObject();
        config["num_hidden_layers"] = 2;
        config["layer_types"] = new JsonArray([.. config["layer_types"]!.AsArray().Take(2).Select(type => type!.DeepClone())]);
        File.WriteAllText(_reconstructor.File("config.json"), config.ToJsonString());
        File.WriteAllText(_reconstructor.File(NlaMetadata.FileName), Metadata("role: av", "role: ar"));
        using var weights = SafetensorsFile.Open(Fixtures.Model("demo-it", "model.safetensors"));
        SafetensorsWriter.Write(
            _reconstructor.File("model.safetensors"),
            weights
                .Tensors.Keys.Where(name => name.Contains("embed_tokens") || name.Contains("layers.0.") || name.Contains("layers.1."))
                .Select(name => new KeyValuePair<string, Tensor>(name, weights[name]))
        );
        WriteHead(Words);
    }

    /// <summary>W = Σ e_i d_iᵀ, where d_i is 1 at the residual of text i and 0 at those of the others.</summary>
    private void WriteHead(string[] words)
    {
        var width = _model.Config.Width;
        float[][] residuals = [.. words.Select(word => Residual($"Text: {Says(word)}"))];
        var dual = Dual(residuals);
        var matrix = new float[width * width];
        foreach (var (word, row) in words.Zip(dual))
        {
            var embedding = Embedding(word);
            for (var i = 0; i < width; i++)
                TensorPrimitives.MultiplyAdd(row, embedding[i], matrix.AsSpan(i * width, width), matrix.AsSpan(i * width, width));
        }
        using var tensor = Tensor.From(matrix, width, width);
        SafetensorsWriter.Write(
            _reconstructor.File(ActivationReconstructor.HeadName),
            [new KeyValuePair<string, Tensor>("weight", tensor)]
        );
    }

    private float[] Residual(string text)
    {
        var ids = _model.Tokenizer.Encode(text, addBos: true);
        using var run = _model.Run(ids, capture: [Site.ResidPost(1)]);
        return run[Site.ResidPost(1)].Row(ids.Length - 1).ToArray();
    }

    /// <summary>Each vector without what it shares with the others, so long that its product with itself is 1.</summary>
    private static float[][] Dual(float[][] vectors) =>
        [
            .. vectors.Select(
                (vector, i) =>
                {
                    float[] own = [.. vector];
                    List<float[]> basis = [];
                    foreach (var other in vectors.Where((_, j) => j != i))
                    {
                        float[] rest = [.. other];
                        foreach (var unit in basis)
                            TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot<float>(rest, unit), rest, rest);
                        TensorPrimitives.Divide(rest, TensorPrimitives.Norm<float>(rest), rest);
                        basis.Add(rest);
                    }
                    foreach (var unit in basis)
                        TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot<float>(own, unit), own, own);
                    TensorPrimitives.Divide(own, TensorPrimitives.Dot<float>(own, vector), own);
                    return own;
                }
            ),
        ];
}
