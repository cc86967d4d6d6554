using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class RavelTests
{
    private static readonly string[] Entities = ["London", "Paris", "water", "the king", "a horse", "music", "money", "the sea"];

    [Fact]
    public void swapping_nothing_keeps_every_answer_and_only_known_questions_count() =>
        With(
            (model, dictionary) =>
            {
                // What the model says is by definition what it knows, so the whole way can be tested on a model that knows nothing of the
                // world.
                var attributes = RavelEvaluation.Run(
                    model,
                    dictionary,
                    Believed(model),
                    new RavelOptions
                    {
                        Entities = 8,
                        Prompts = 1,
                        Pairs = 12,
                        Epochs = 1,
                    }
                );
                Assert.Equal(["place", "story"], attributes.Select(one => one.Attribute));
                Assert.Contains(attributes, one => one.Scores.Any(score => score.Score is not null));
                foreach (var one in attributes)
                {
                    Assert.InRange(one.Known, 1, one.Asked);
                    foreach (var score in one.Scores.Where(score => score.Method == "nothing swapped"))
                        Assert.Equal(
                            (one.CausePairs == 0 ? null : 0.0, one.IsolationPairs == 0 ? null : 1.0),
                            ((double?, double?))(score.Cause, score.Isolation)
                        );
                }
            }
        );

    [Fact]
    public void a_model_that_knows_nothing_gets_no_score_rather_than_zero() =>
        With(
            (model, dictionary) =>
            {
                var believed = Believed(model);
                var wrong = believed with
                {
                    Values = Entities.ToDictionary(
                        entity => entity,
                        _ =>
                            (IReadOnlyDictionary<string, string>)new Dictionary<string, string> { ["place"] = "zebra", ["story"] = "zebra" }
                    ),
                };
                Assert.All(
                    RavelEvaluation.Run(model, dictionary, wrong, new RavelOptions { Entities = 8, Prompts = 1 }),
                    one =>
                    {
                        Assert.Equal(0, one.Known);
                        Assert.Empty(one.Scores);
                    }
                );
            }
        );

    [Fact]
    public void the_gradient_at_the_entity_is_that_of_finite_differences() =>
        With(
            (model, dictionary) =>
            {
                var interchange = new Interchange(model, dictionary);
                var known = interchange.Known(Believed(model).Ask(model.Tokenizer, 8, 1, 0), null, default);
                var pair = new InterchangePair(known[0], known[1], known[1].Question.Answer);
                var x = interchange.Swapped(pair, _ => 0.5);
                var (_, gradient) = interchange.Loss(pair, x, default);
                var direction = interchange.Decoder(known[1].Features[0].Feature);
                const float step = 0.25f;
                double At(float along) =>
                    interchange.Loss(pair, [.. x.Zip(direction, (value, unit) => value + along * unit)], default).Loss;
                var slope = gradient.Zip(direction, (a, b) => (double)a * b).Sum();
                Assert.Equal((At(step) - At(-step)) / (2 * step), slope, Math.Max(1e-4, Math.Abs(slope) * 0.02));
            }
        );

    [Fact]
    public void a_full_mask_adds_the_difference_of_the_reconstructions_and_an_empty_one_nothing() =>
        With(
            (model, dictionary) =>
            {
                var interchange = new Interchange(model, dictionary);
                var known = interchange.Known(Believed(model).Ask(model.Tokenizer, 8, 1, 0), null, default);
                var pair = new InterchangePair(known[0], known[1], 0);
                Assert.Equal(known[0].X, interchange.Swapped(pair, _ => 0));
                float[] Decoded(KnownAnswer one)
                {
                    var features = one.Features.OrderBy(feature => feature.Feature).ToArray();
                    using var decoded = dictionary.Decode(
                        new SparseActivations(
                            dictionary.Width,
                            [0, features.Length],
                            [.. features.Select(feature => feature.Feature)],
                            [.. features.Select(feature => feature.Value)]
                        )
                    );
                    return [.. decoded.Row(0)];
                }
                var (from, to, swapped) = (Decoded(known[0]), Decoded(known[1]), interchange.Swapped(pair, _ => 1));
                for (var i = 0; i < swapped.Length; i++)
                    Assert.Equal(known[0].X[i] - from[i] + to[i], swapped[i], 1e-3);
            }
        );

    /// <summary>A set in which the model's own continuations are the truth.</summary>
    private static RavelSet Believed(GemmaModel model)
    {
        var prompts = new Dictionary<string, IReadOnlyList<string>>
        {
            ["place"] = ["They came to %s, which is in the"],
            ["story"] = ["He told them about %s and then he"],
        };
        var values = Entities.ToDictionary(
            entity => entity,
            entity =>
                (IReadOnlyDictionary<string, string>)
                    prompts.ToDictionary(
                        pair => pair.Key,
                        pair =>
                        {
                            using var run = model.Run(pair.Value[0].Replace("%s", entity, StringComparison.Ordinal));
                            return model.Tokenizer.Decode([.. run.TopNextTokens(1).Select(token => token.Token)]).Trim();
                        }
                    )
        );
        return new RavelSet("thing", values, prompts, Entities.Take(4).ToHashSet());
    }

    private static void With(Action<GemmaModel, SparseDictionary> test)
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        using var dictionary = SparseDictionary.Load(Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35"));
        test(model, dictionary);
    }
}
