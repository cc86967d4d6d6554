using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Models;

public sealed class GgufModelTests : IDisposable
{
    private static readonly int[] Prompt = [2, 17, 93, 5, 140, 8, 201, 33, 64, 12, 77, 150, 9, 41];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The same numbers as F32 in a published folder: sites, edits and gradients go the known way there.</summary>
    [Theory]
    [InlineData("gemma2-Q2_K")]
    [InlineData("gemma2-IQ4_XS")]
    [InlineData("gemma3-Q4_K_M")]
    [InlineData("gemma3-scaled-BF16")]
    public void at_every_site_a_model_in_blocks_is_its_widened_self(string name)
    {
        using var model = GemmaModel.Load(Fixtures.Path("gguf", name));
        WidenedModel.Write(Fixtures.Path("gguf", name), model.Config, _folder.Path);
        using var wide = GemmaModel.Load(_folder.Path);
        var sites = model.Config.Sites().ToArray();
        Edit[] edits = [Edit.Scale(Site.ResidMid(0), 1.25f)];
        foreach (
            var changes in (Edit[][])
                [
                    [],
                    edits,
                ]
        )
        {
            using var got = model.Run(Prompt, sites, changes, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
            using var want = wide.Run(Prompt, sites, changes, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
            foreach (var site in sites)
                Close($"{site}", got[site].AsSpan(), want[site].AsSpan());
        }
        Site[] early = [.. sites.Where(site => site.Kind is not (SiteKind.LogitsRaw or SiteKind.Logits))];
        var target = GradientTarget.Logit(Prompt.Length - 2, 7);
        using var gradient = model.Gradients(Prompt, target, early, arithmetic: Arithmetic.Exact);
        using var widely = wide.Gradients(Prompt, target, early, arithmetic: Arithmetic.Exact);
        foreach (var site in early)
            Close($"gradient at {site}", gradient[site].AsSpan(), widely[site].AsSpan());
    }

    [Fact]
    public void a_folder_a_file_and_a_later_shard_are_one_model()
    {
        var folder = Fixtures.Path("gguf", "gemma2-wide-Q4_K_M-sharded");
        foreach (var path in Directory.GetFiles(folder, "*.gguf").Append(folder))
        {
            using var model = GemmaModel.Load(path);
            Assert.Equal(Path.Combine(folder, "model-00001-of-00002.gguf"), model.Path);
            Assert.Equal(folder, model.Folder);
            Assert.Equal(DType.Q6_K, model.WeightType);
            Assert.True(model.WeightTypes.Count > 3);
            Assert.Equal(model.WeightBytes, model.WeightTypes.Sum(part => part.Bytes));
        }
        Assert.Equal(2, GemmaConfig.Load(folder).Layers);
    }

    [Fact]
    public void of_several_models_in_a_folder_one_must_be_named_and_the_part_for_images_is_none()
    {
        var valid = Fixtures.Path("gguf", "malformed", "valid.gguf");
        File.Copy(valid, _folder.File("a.gguf"));
        File.WriteAllText(_folder.File("mmproj-a.gguf"), "x");
        GemmaModel.Load(_folder.Path).Dispose();
        File.Copy(valid, _folder.File("b.gguf"));
        var refusal = Assert.Throws<FileFormatException>(() => GemmaModel.Load(_folder.Path)).Message;
        Assert.Contains("a.gguf, b.gguf", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void vocabulary_and_template_come_from_the_file()
    {
        var path = Fixtures.Path("gguf", "gemma3-scaled-BF16", "model.gguf");
        using var model = GemmaModel.Load(path);
        Assert.Equal("<start_of_turn>", model.Tokenizer.Piece(model.Tokenizer.Encode("<start_of_turn>")[0]));
        Assert.Equal(model.Tokenizer.Encode("The  cat"), Tokenizer.Load(path).Encode("The  cat"));
        Assert.Equal(2, model.Tokenizer.BosId);
        Assert.Equal([1, model.Tokenizer.Id("<end_of_turn>")!.Value], model.Config.EosIds);
        Assert.True(model.HasChatTemplate);
        var text = model.ChatTemplate.Render([new ChatMessage("user", "Hi")], addGenerationPrompt: true);
        Assert.StartsWith("<bos><start_of_turn>user\nHi", text, StringComparison.Ordinal);
        using var run = model.Run("The cat");
        Assert.Equal(64, model.Config.VocabularyRows - model.Config.RealVocabulary);
    }

    [Fact]
    public void another_config_beside_a_gguf_file_is_refused() =>
        Assert.Contains(
            "its own settings",
            Assert
                .Throws<FileFormatException>(() =>
                    GemmaModel.Load(Fixtures.Path("gguf", "gemma2-Q2_K"), new ModelLoadOptions { ConfigFile = "other.json" })
                )
                .Message,
            StringComparison.Ordinal
        );

    private static void Close(string what, ReadOnlySpan<float> got, ReadOnlySpan<float> want)
    {
        float error = 0,
            scale = 1e-3f;
        for (var i = 0; i < want.Length; i++)
        {
            error = Math.Max(error, Math.Abs(got[i] - want[i]));
            scale = Math.Max(scale, Math.Abs(want[i]));
        }
        Assert.True(error <= 1e-4 * scale, $"{what}: {error} of {scale}");
    }
}
