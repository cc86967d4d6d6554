using GemmaScope.Behaviour;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public class DirectionRuleTests
{
    [Fact]
    public void the_rule_chooses_what_the_public_program_chose_of_its_own_scores()
    {
        var scores = JsonFile.ReadList(SharedData.File("artefacts", "refusal-direction-gemma-2b-it.evaluations.json"));
        var chosen = new DirectionRule().Choose(
            scores.Select(one => new DirectionCandidate(
                one.Integer("layer")!.Value,
                one.Integer("position")!.Value,
                one.AnyNumber("refusal_score"),
                one.AnyNumber("steering_score"),
                one.AnyNumber("kl_div_score")
            )),
            layers: 18
        );
        Assert.Equal((10, -2), (chosen!.Layer, chosen.Position));
    }

    [Fact]
    public void of_directions_that_pass_the_one_with_least_refusal_is_taken()
    {
        var rule = new DirectionRule();
        DirectionCandidate[] candidates =
        [
            new(0, -1, null, null, null),
            new(1, -1, -3, 1, 0.1),
            new(2, -1, -9, 1, 0.11),
            new(3, -1, -9, -0.1, 0),
            new(4, -1, -2, 0, 0),
            new(8, -1, -9, 1, 0),
        ];
        Assert.Equal(1, rule.Choose(candidates, 10)!.Layer);
        Assert.Equal(2, (rule with { MaxDivergence = 0.2 }).Choose(candidates, 10)!.Layer);
        Assert.Equal(8, (rule with { LayerBelow = 0.9 }).Choose(candidates, 10)!.Layer);
        Assert.Null((rule with { MinAddedScore = 5 }).Choose(candidates, 10));
        Assert.Null(rule.Choose([], 10));
    }
}
