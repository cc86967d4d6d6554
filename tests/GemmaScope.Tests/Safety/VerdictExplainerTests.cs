using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Safety;
using Xunit;

namespace GemmaScope.Tests.Safety;

public sealed class VerdictExplainerTests : IDisposable
{
    private readonly ShieldGemma _shield = ShieldGemma.Load(Fixtures.Model("demo-it"));
    private readonly SparseDictionary _dictionary = SparseDictionary.Load(
        Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35")
    );

    public void Dispose()
    {
        _dictionary.Dispose();
        _shield.Dispose();
    }

    [Fact]
    public void the_parts_of_the_gap_add_up_and_the_score_is_that_of_the_verdict()
    {
        var question = _shield.Prepare("How do I repot a cactus?");
        var found = VerdictExplainer.Explain(
            _shield,
            _dictionary,
            question,
            policy: 1,
            cancellationToken: TestContext.Current.CancellationToken
        );
        var score = _shield.Score([question], TestContext.Current.CancellationToken)[0].Scores[1];
        Assert.Equal(score.Probability, found.Score.Probability, 1e-5);
        Assert.Equal(score.YesLogit - score.NoLogit, found.Gap, 1e-4);
        Assert.Equal(found.RawGap, found.FeatureTotal + found.Bias + found.Error + found.Elsewhere, 1e-9);
        Assert.Equal(
            found.Features.OrderByDescending(feature => Math.Abs(feature.Direct)).Select(feature => feature.Feature),
            found.Features.Select(feature => feature.Feature)
        );
        Assert.Equal(5, found.Features.Count(feature => feature.Removed is not null));
        Assert.InRange(found.Fvu, 0, 2);
        Assert.Contains(found.Warnings, warning => warning.Contains("demo-it"));
    }

    [Fact]
    public void the_direction_of_the_gap_gives_the_raw_gap_of_the_whole_residual()
    {
        var tokens = _shield.Prepare("a").Prompts[0];
        Site last = new(SiteKind.ResidPost, 5),
            raw = new(SiteKind.LogitsRaw);
        using var run = _shield.Model.Run(tokens, capture: [last, raw], logits: LogitRows.Last);
        var residual = run[last].Row(tokens.Length - 1).ToArray();
        var rms = Math.Sqrt(residual.Average(x => (double)x * x) + _shield.Model.Config.NormEpsilon);
        var direction = _shield.Model.LogitDirection(_shield.YesId, _shield.NoId);
        Assert.Equal(
            run[raw].Row(0)[_shield.YesId] - run[raw].Row(0)[_shield.NoId],
            residual.Zip(direction, (x, u) => (double)x * u).Sum() / rms,
            1e-4
        );
    }

    [Fact]
    public void a_removal_is_what_a_run_of_the_whole_prompt_with_that_edit_measures()
    {
        var question = _shield.Prepare("How do I repot a cactus?", policies: [ShieldPolicy.Official[0]]);
        var found = VerdictExplainer.Explain(
            _shield,
            _dictionary,
            question,
            remove: 2,
            cancellationToken: TestContext.Current.CancellationToken
        );
        var tokens = question.Prompts[0];
        Gap without = Run([]),
            both = Run(found.Features.Take(2));
        Assert.Equal(found.RawGap, without.Raw, 1e-4);
        Assert.Equal(without.Raw - both.Raw, found.RemovedTogether!.Change, 1e-3);
        Assert.Equal(both.Probability, found.RemovedTogether.Probability, 1e-4);
        Assert.Equal(without.Raw - Run([found.Features[1]]).Raw, found.Features[1].Removed!.Change, 1e-3);
        Assert.Null(found.Features[2].Removed);

        Gap Run(IEnumerable<FeatureContribution> removed)
        {
            var edits = removed.Select(feature =>
            {
                var decoder = new float[_dictionary.OutputWidth];
                _dictionary.Decoder(feature.Feature, decoder);
                return Edit.Add(_dictionary.OutputSite, decoder, -feature.Activation, Positions.At(tokens.Length - 1));
            });
            using var run = _shield.Model.Run(tokens, capture: [new(SiteKind.LogitsRaw)], edits: edits, logits: LogitRows.Last);
            var raw = run[new(SiteKind.LogitsRaw)].Row(0);
            return new(
                raw[_shield.YesId] - (double)raw[_shield.NoId],
                ShieldGemma.Probability(run.LastLogits()[_shield.YesId], run.LastLogits()[_shield.NoId])
            );
        }
    }

    [Fact]
    public void a_dictionary_without_a_straight_path_to_the_logits_is_refused()
    {
        using var elsewhere = SparseDictionary.Load(
            Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35"),
            new() { Site = new Site(SiteKind.Z, 3) }
        );
        Assert.Contains(
            "no straight path",
            Assert.Throws<ArgumentProblemException>(() => VerdictExplainer.Explain(_shield, elsewhere, _shield.Prepare("a"))).Message
        );
    }

    private readonly record struct Gap(double Raw, float Probability);
}
