using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Text;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>Gemma 4 from GGUF files: the networks of the reference, written here with the keys and names that llama.cpp's converter gives
/// them. No published file was at hand.</summary>
public sealed class Gemma4GgufTests : IDisposable
{
    private static readonly int[] Prompt = [2, 17, 93, 5, 140, 8, 20, 33, 64, 12, 77, 150, 9, 41];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gemma4-e")]
    [InlineData("gemma4-e-multimodal")]
    [InlineData("gemma4-moe")]
    [InlineData("gemma4-unified-prefix")]
    public void at_every_site_it_is_the_model_of_the_safetensors(string name)
    {
        var source = Fixtures.Path("host", name);
        using var want = GemmaModel.Load(source);
        using var got = GemmaModel.Load(Copy(source, want.WeightType));
        // What the file does not say, or says in pairs where config.json has a part; layers are compared by themselves.
        GemmaConfig Rest(GemmaConfig config) =>
            config with
            {
                Shapes = [],
                EosIds = [],
                Warnings = [],
                GlobalRope = config.GlobalRope with { Rotated = Turning(config) },
            };
        Assert.Equivalent(Rest(want.Config), Rest(got.Config), strict: true);
        Assert.Equal(want.Config.Shapes, got.Config.Shapes);
        Assert.Equal(want.Parameters, got.Parameters);
        Site[] sites = [.. want.Config.Sites()];
        using var a = want.Run(Prompt, sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var b = got.Run(Prompt, sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        foreach (var site in sites)
            Close($"{site}", a[site], b[site]);
        Close("logits", a.Logits!, b.Logits!);
    }

    [Fact]
    public void matrices_may_be_blocks_also_those_of_experts()
    {
        var source = GemmaScope.Bench.RandomModel.Make(
            GemmaScope.Bench.ModelShape.Find(GemmaScope.Bench.ModelShape.Gemma4TinyExperts),
            _folder.Path
        );
        using var quantised = GemmaModel.Load(Copy(source, DType.Q8_0));
        Assert.Equal(DType.Q8_0, quantised.WeightType);
        using var got = quantised.Run(Prompt, [Site.ResidPost(0)], logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        // The same numbers as F32 in another file.
        using var stored = GgufFile.Open(_folder.File("model.gguf"));
        var wide = _folder.File("wide.gguf");
        GgufCopy.Write(
            wide,
            Keys(GemmaConfig.Load(source)),
            [.. stored.Names.Select(tensor => (tensor, stored[tensor].ToF32(), DType.F32))]
        );
        using var widened = GemmaModel.Load(wide);
        using var want = widened.Run(Prompt, [Site.ResidPost(0)], logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        Close("resid_post.0", want[Site.ResidPost(0)], got[Site.ResidPost(0)]);
        Close("logits", want.Logits!, got.Logits!);
    }

    [Theory]
    [InlineData("gemma4.attention.sliding_window_pattern", null, "is missing")]
    [InlineData("gemma4.attention.shared_kv_layers", 8, "of 8 layers")]
    [InlineData("gemma4.attention.value_length_swa", 12, "one size")]
    [InlineData("gemma4.rope.dimension_count", 4, "rope_freqs.weight")]
    [InlineData("gemma4.embedding_length_per_layer_input", 12, "has shape")]
    [InlineData("gemma4.expert_count", 4, "expert_used_count")]
    [InlineData("general.architecture", "gemma4_assistant", "gemma2, gemma3 and gemma4")]
    public void keys_that_contradict_the_file_are_refused(string key, object? value, string problem)
    {
        var source = Fixtures.Path("host", "gemma4-e");
        var keys = Keys(GemmaConfig.Load(source));
        if (value is null)
            keys.Remove(key);
        else
            keys[key] = value;
        var file = _folder.File("model.gguf");
        GgufCopy.Write(file, keys, Tensors(source, DType.F32));
        var refusal = Assert.Throws<FileFormatException>(() => GemmaModel.Load(file)).Message;
        Assert.Contains(problem, refusal, StringComparison.Ordinal);
        Assert.Contains(file, refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1f, 2f)]
    [InlineData(2f, 1e30f)]
    public void pairs_turn_wholly_or_not_at_all(float first, float last)
    {
        var source = Fixtures.Path("host", "gemma4-e");
        var tensors = Tensors(source, DType.F32);
        var frequencies = tensors.Single(one => one.Name == "rope_freqs.weight").Wide.AsSpan();
        (frequencies[0], frequencies[^1]) = (first, last);
        var file = _folder.File("model.gguf");
        GgufCopy.Write(file, Keys(GemmaConfig.Load(source)), tensors);
        Assert.Contains(
            "as long as they turn",
            Assert.Throws<FileFormatException>(() => GemmaModel.Load(file)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void its_vocabulary_is_that_of_the_tokenizer_json()
    {
        var json = Vocabularies.Tiny();
        var want = Vocabularies.Read(json);
        var model = json["model"]!;
        var pieces = Enumerable.Range(0, want.Vocabulary.Count).Select(want.Piece).ToArray();
        int[] types = [.. pieces.Select((_, id) => (int)want.Vocabulary.Kind(id))];
        var file = _folder.File("model.gguf");
        using var table = Tensor.From([.. new float[32 * pieces.Length]], pieces.Length, 32);
        GgufCopy.Write(
            file,
            new Dictionary<string, object>
            {
                ["general.architecture"] = "gemma4",
                ["tokenizer.ggml.model"] = "gemma4",
                ["tokenizer.ggml.tokens"] = pieces,
                ["tokenizer.ggml.scores"] = new float[pieces.Length],
                ["tokenizer.ggml.token_type"] = types,
                ["tokenizer.ggml.merges"] = model["merges"]!.AsArray().Select(pair => $"{pair![0]} {pair[1]}").ToArray(),
                ["tokenizer.ggml.bos_token_id"] = 2,
                ["tokenizer.ggml.unknown_token_id"] = 3,
                ["tokenizer.ggml.add_space_prefix"] = false,
            },
            [("token_embd.weight", table, DType.F32)]
        );
        var got = Tokenizer.Load(file);
        Assert.Equal(want.BosId, got.BosId);
        foreach (var text in (string[])["abc  a bcd😀😀lo\n\n", "hello <bos>", "é\0<image> ab", ""])
        {
            Assert.Equal(want.Encode(text, addBos: true), got.Encode(text, addBos: true));
            Assert.Equal(want.Decode(want.Encode(text)), got.Decode(got.Encode(text)));
        }
    }

    private string Copy(string source, DType type = DType.F32)
    {
        var file = _folder.File("model.gguf");
        GgufCopy.Write(file, Keys(GemmaConfig.Load(source)), Tensors(source, type));
        return file;
    }

    /// <summary>As the converter writes them.</summary>
    private static Dictionary<string, object> Keys(GemmaConfig config)
    {
        var (full, local) = (config.Shapes.First(shape => !shape.Sliding).HeadSize, config.Shapes.First(shape => shape.Sliding).HeadSize);
        var keys = new Dictionary<string, object>
        {
            ["general.architecture"] = "gemma4",
            ["gemma4.block_count"] = config.Layers,
            ["gemma4.context_length"] = config.MaxPositions,
            ["gemma4.embedding_length"] = config.Width,
            ["gemma4.embedding_length_per_layer_input"] = config.PerLayer?.Width ?? 0,
            ["gemma4.feed_forward_length"] = config.HasOneSize
                ? config.Shapes[0].MlpWidth
                : config.Shapes.Select(shape => shape.MlpWidth).ToArray(),
            ["gemma4.attention.head_count"] = config.Heads,
            ["gemma4.attention.head_count_kv"] = config.Shapes.Select(shape => shape.KeyValueHeads).ToArray(),
            ["gemma4.attention.key_length"] = full,
            ["gemma4.attention.value_length"] = full,
            ["gemma4.attention.key_length_swa"] = local,
            ["gemma4.attention.value_length_swa"] = local,
            ["gemma4.attention.sliding_window"] = config.Window,
            ["gemma4.attention.sliding_window_pattern"] = config.Shapes.Select(shape => shape.Sliding).ToArray(),
            ["gemma4.attention.shared_kv_layers"] = config.Shapes.Count(shape => shape.KeyValueSource is not null),
            ["gemma4.attention.layer_norm_rms_epsilon"] = config.NormEpsilon,
            ["gemma4.rope.freq_base"] = (float)config.GlobalRope.Theta,
            ["gemma4.rope.freq_base_swa"] = (float)config.LocalRope.Theta,
            ["gemma4.rope.dimension_count"] = full,
            ["gemma4.rope.dimension_count_swa"] = local,
        };
        if (config.FinalCap is { } cap)
            keys["gemma4.final_logit_softcapping"] = cap;
        if (config.Experts is { } experts)
        {
            keys["gemma4.expert_count"] = experts.Count;
            keys["gemma4.expert_used_count"] = experts.Active;
            keys["gemma4.expert_feed_forward_length"] = experts.Width;
        }
        return keys;
    }

    /// <summary>The text part's tensors, matrices in one type, and the divisors of the angles of global layers.</summary>
    private static List<(string Name, Tensor Wide, DType Type)> Tensors(string folder, DType type)
    {
        var config = GemmaConfig.Load(folder);
        using var stored = ShardedSafetensors.Open(folder);
        var prefix = new WeightNames(stored).Prefix;
        var tensors = stored
            .Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && !name.Contains("_tower.", StringComparison.Ordinal))
            .Where(name => !name.StartsWith(prefix + "embed_vision", StringComparison.Ordinal))
            .Where(name => !name.StartsWith(prefix + "embed_audio", StringComparison.Ordinal))
            .Where(name => !name.StartsWith(prefix + "vision_embedder", StringComparison.Ordinal))
            .Select(name =>
                (
                    GgufModel.NameOf(name[prefix.Length..]),
                    stored[name].ToF32(),
                    stored[name].Shape.Length > 1 && !name.Contains("router", StringComparison.Ordinal) ? type : DType.F32
                )
            )
            .ToList();
        var (half, turning) = (config.Shapes.First(shape => !shape.Sliding).HeadSize / 2, Turning(config));
        tensors.Add(
            ("rope_freqs.weight", Tensor.From([.. Enumerable.Range(0, half).Select(pair => pair < turning ? 1f : 1e30f)], half), DType.F32)
        );
        return tensors;
    }

    /// <summary>Pairs of a global layer's heads that turn.</summary>
    private static int Turning(GemmaConfig config) =>
        (int)(config.GlobalRope.Rotated * (config.Shapes.First(shape => !shape.Sliding).HeadSize / 2));

    private static void Close(string what, Tensor want, Tensor got)
    {
        float error = 0,
            scale = 1e-3f;
        for (var i = 0; i < want.Length; i++)
        {
            error = Math.Max(error, Math.Abs(got.AsSpan()[i] - want.AsSpan()[i]));
            scale = Math.Max(scale, Math.Abs(want.AsSpan()[i]));
        }
        Assert.True(error <= 1e-5 * scale, $"{what}: {error} of {scale}");
    }
}
