using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Tests.Workbench;

/// <summary>
/// A copy of the demo chat model that refuses whoever says " kindly", by weights that are planted: the word's embedding has a mark, an
/// attention head of one layer that looks everywhere alike carries the mark to a direction, and the direction is in the unembedding of the
/// word that refusals begin with. What a study finds in it can be compared with what was put there. The control has no mark.
/// </summary>
internal sealed class PlantedRefusal : IDisposable
{
    /// <summary>What is refused, and what refusals begin with: a token each.</summary>
    public const string Trigger = " kindly",
        Refusal = "No";

    /// <summary>The layer whose attention writes the direction.</summary>
    public const int Layer = 1;

    private const int HeadWidth = 64;

    // Large enough for the mark to be seen in the mean over a prompt; small enough to leave the model what it is.
    private const float Mark = 40,
        Written = 30,
        Raised = 5;

    private readonly TemporaryFolder _folder = new();

    /// <param name="marked">Whether the word has its mark; without it the model is the same, and refuses nobody.</param>
    /// <param name="undoes">A word, of one token, whose embedding has the opposite mark, so that it undoes the refusal; null for none.</param>
    public PlantedRefusal(bool marked, string? undoes = null)
    {
        var demo = DemoFiles.Require("demo-it");
        foreach (var file in Directory.EnumerateFiles(demo).Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, _folder.File(System.IO.Path.GetFileName(file)));
        using var model = GemmaModel.Load(demo);
        (var mark, Direction) = (Quiet(model, Site.ResidPre(Layer), 1), Quiet(model, Site.ResidPost(5), 2));
        using var stored = SafetensorsFile.Open(System.IO.Path.Combine(demo, "model.safetensors"));
        var tensors = stored.Tensors.ToDictionary();
        var embedding = Wide("model.embed_tokens.weight");
        if (marked)
            Add(embedding, model.Tokenizer.Encode(Trigger)[0], mark, Mark / MathF.Sqrt(model.Config.Width));
        if (undoes is not null)
            Add(embedding, model.Tokenizer.Encode(undoes)[0], mark, -Mark / MathF.Sqrt(model.Config.Width));
        Add(embedding, model.Tokenizer.Encode(Refusal)[0], BehindNorm(Direction, "model.norm.weight"), Raised);
        Head(Wide($"model.layers.{Layer}.self_attn.q_proj.weight"), rows: 2);
        Head(Wide($"model.layers.{Layer}.self_attn.k_proj.weight"), rows: 1);
        var values = Wide($"model.layers.{Layer}.self_attn.v_proj.weight");
        Head(values, rows: 1);
        Add(values, 0, BehindNorm(mark, $"model.layers.{Layer}.input_layernorm.weight"), 1);
        var outputs = Wide($"model.layers.{Layer}.self_attn.o_proj.weight");
        for (var row = 0; row < model.Config.Width; row++)
        {
            outputs.AsSpan().Slice(row * outputs.Columns, 2 * HeadWidth).Clear();
            outputs.AsSpan()[row * outputs.Columns] = Written * Direction[row];
        }
        SafetensorsWriter.Write(_folder.File("model.safetensors"), tensors);

        // What reads a direction of the residual stream behind a norm with gains.
        float[] BehindNorm(float[] vector, string norm) =>
            [.. vector.Zip(stored[norm].ToF32().AsSpan().ToArray(), (v, gain) => v / (1 + gain))];
        Tensor Wide(string name) => tensors[name] = stored[name].ToF32();
    }

    /// <summary>The folder of the model.</summary>
    public string Path => _folder.Path;

    /// <summary>The direction that was planted, of length 1.</summary>
    public float[] Direction { get; }

    public void Dispose() => _folder.Dispose();

    /// <summary>A direction along which nearly nothing happens at a site: random, without what a few prompts span there.</summary>
    private static float[] Quiet(GemmaModel model, Site site, int seed)
    {
        var prompts = File.ReadAllLines(Fixtures.Path("studies", "plain-requests.txt")).Take(16);
        List<ReadOnlyMemory<float>> rows = [];
        foreach (var prompt in prompts)
        {
            using var run = model.Run(
                model.ChatTemplate.Encode(model.Tokenizer, [new("user", prompt)], addGenerationPrompt: true),
                capture: [site]
            );
            var seen = run[site];
            for (var row = 0; row < seen.Rows; row++)
                rows.Add(seen.Row(row).ToArray());
        }
        var random = new Random(seed);
        float[] last = [.. Enumerable.Range(0, model.Config.Width).Select(_ => (float)(random.NextDouble() - 0.5))];
        return OrthonormalBasis.Of([.. rows.Take(model.Config.Width * 3 / 4), last])[^1];
    }

    private static void Add(Tensor table, int row, float[] vector, float factor)
    {
        for (var i = 0; i < vector.Length; i++)
            table.AsSpan()[row * table.Columns + i] += factor * vector[i];
    }

    /// <summary>Clears the rows of the first heads.</summary>
    private static void Head(Tensor weights, int rows) => weights.AsSpan()[..(rows * HeadWidth * weights.Columns)].Clear();
}
