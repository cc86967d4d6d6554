using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

public class ResumeTests
{
    [Theory]
    [InlineData("resid_post.0", 1)]
    [InlineData("mlp_out.1", 1)]
    [InlineData("resid_post.1", 2)]
    [InlineData("embed", 0)]
    public void a_run_taken_up_at_an_edit_is_the_whole_run(string name, int first)
    {
        var site = Site.Parse(name);
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));
        int[][] sequences =
        [
            [2, 5, 9, 4],
            [2, 7, 3],
        ];
        Edit[] edits = [Edit.Scale(site, 0.5f)];
        using var clean = model.Run(
            sequences,
            capture: Enumerable.Range(0, model.Config.Layers).Select(Site.ResidPost),
            logits: LogitRows.None
        );
        using var whole = model.Run(sequences, edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        var layer = ResumePoint.LayerOf(site);
        ResumePoint? point = layer > 0 ? new(layer, clean[Site.ResidPost(layer - 1)].AsMatrix()) : null;
        using var resumed = model.Resume(sequences, point, edits, LogitRows.All, Arithmetic.Exact, default);
        Assert.Equal(first, layer);
        Assert.Equal(whole.Logits!.AsSpan().ToArray(), resumed.Logits!.AsSpan().ToArray());
    }
}
