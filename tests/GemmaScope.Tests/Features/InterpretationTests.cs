using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;
using GemmaScope.Features.Statistics;
using Xunit;

namespace GemmaScope.Tests.Features;

/// <summary>Explanations by rules about tokens, and the questions that score them, on features whose rule is known.</summary>
public class InterpretationTests
{
    private static readonly PlantedFeatures Planted = new();

    [Theory]
    [InlineData(PlantedFeatures.Tokens, "tokens", "king", "water")]
    [InlineData(PlantedFeatures.Phrase, "phrases", "old house")]
    [InlineData(PlantedFeatures.After, "after", "of")]
    [InlineData(PlantedFeatures.Before, "before", "the")]
    public void a_planted_rule_is_found_and_predicts_text_it_has_not_seen(int feature, string kind, params string[] patterns)
    {
        var found = Explain(feature)!;
        var said = found.Rule.Describe(Planted.Tokenizer);
        Assert.StartsWith(kind + ": ", said);
        Assert.Equal(patterns.Select(pattern => $"\" {pattern}\"").Order(), said[(kind.Length + 2)..].Split(", ").Order());
        // A passage shows neither what stands before it nor what follows.
        Assert.InRange(found.Score.DetectionAccuracy!.Value, 0.93, 1);
        Assert.InRange(found.Score.FuzzingAccuracy!.Value, 0.93, 1);
        Assert.Equal(
            (50, 50, 0),
            (
                found.Score.Detection.Counts.TruePositives + found.Score.Detection.Counts.FalseNegatives,
                found.Score.Detection.Counts.TrueNegatives + found.Score.Detection.Counts.FalsePositives,
                found.Score.Detection.Unparsed
            )
        );
    }

    [Fact]
    public void the_rule_of_another_feature_is_worth_nothing()
    {
        var rule = Explain(PlantedFeatures.Tokens)!.Rule;
        var score = rule.Score(QuestionSet.Draw(Planted.Activations, PlantedFeatures.After, selection: false)!);
        Assert.InRange(score.Mean!.Value, 0.35, 0.65);
    }

    [Fact]
    public void a_feature_without_a_rule_gets_the_score_of_guessing_not_the_one_it_was_chosen_by()
    {
        var found = Explain(PlantedFeatures.Random)!;
        Assert.InRange(found.Score.Mean!.Value, 0.4, 0.6);
        Assert.True(found.Selection.Mean >= found.Score.Mean - 0.1);
    }

    [Fact]
    public void of_rules_that_are_as_good_the_shortest_is_said() => Assert.Single(Explain(PlantedFeatures.After)!.Rule.Patterns);

    [Fact]
    public void questions_come_from_all_tenths_of_the_strengths_and_from_one_half()
    {
        var all = Planted
            .Activations.Of(PlantedFeatures.Tokens)
            .Where(one => !Planted.Held.IsForSelection(one.Passage))
            .OrderBy(one => one.Max)
            .ThenBy(one => one.Passage)
            .ToArray();
        Assert.True(all.Length > 100);
        var questions = QuestionSet.Draw(Planted.Activations, PlantedFeatures.Tokens, selection: false)!;
        var drawn = questions
            .Detection.Where(question => question.Truth)
            .Select(question => Array.FindIndex(all, one => Planted.Held.Passage(one.Passage).SequenceEqual(question.Tokens.ToArray())))
            .ToArray();
        Assert.Equal(50, drawn.Distinct().Count());
        Assert.DoesNotContain(-1, drawn);
        for (var tenth = 0; tenth < 10; tenth++)
            Assert.Equal(5, drawn.Count(place => place >= all.Length * tenth / 10 && place < all.Length * (tenth + 1) / 10));
        Assert.All(
            questions.Detection.Where(question => !question.Truth),
            question => Assert.DoesNotContain(Enumerable.Range(0, 32), i => Planted.Value(PlantedFeatures.Tokens, question.Tokens, i) > 0)
        );
        Assert.NotEqual(questions.Detection.OrderByDescending(question => question.Truth), questions.Detection);
    }

    [Fact]
    public void fuzzing_marks_the_active_tokens_or_as_many_others()
    {
        var questions = QuestionSet.Draw(Planted.Activations, PlantedFeatures.Tokens, selection: false)!;
        Assert.Equal((50, 50), (questions.Fuzzing.Count(question => question.Truth), questions.Fuzzing.Count(question => !question.Truth)));
        Assert.All(
            questions.Fuzzing,
            question =>
            {
                var active = Enumerable.Range(0, 32).Select(i => Planted.Value(PlantedFeatures.Tokens, question.Tokens, i) > 0).ToArray();
                if (question.Truth)
                    Assert.Equal(active, question.Marks!);
                else
                    Assert.DoesNotContain(true, active.Zip(question.Marks!, (fires, marked) => fires && marked));
                Assert.Equal(active.Count(fires => fires), question.Marks!.Count(marked => marked));
            }
        );
    }

    [Fact]
    public void the_same_seed_asks_the_same_and_another_one_something_else()
    {
        string Drawn(int seed) =>
            string.Join(
                ';',
                QuestionSet
                    .Draw(Planted.Activations, PlantedFeatures.Tokens, false, 50, seed)!
                    .Fuzzing.Select(question => string.Join(',', question.Tokens.Concat(question.Marks!.Select(mark => mark ? 1 : 0))))
            );
        Assert.Equal(Drawn(0), Drawn(0));
        Assert.NotEqual(Drawn(0), Drawn(1));
    }

    [Fact]
    public void a_feature_that_is_too_rare_is_not_scored_and_one_that_is_everywhere_only_by_fuzzing()
    {
        Assert.Null(QuestionSet.Draw(Planted.Activations, PlantedFeatures.Rare, selection: false));
        var everywhere = QuestionSet.Draw(Planted.Activations, PlantedFeatures.Everywhere, selection: false)!;
        Assert.Empty(everywhere.Detection);
        Assert.Equal(100, everywhere.Fuzzing.Count);
        var score = InterpretationScore.Of(everywhere, [], [.. everywhere.Fuzzing.Select(question => (bool?)question.Truth)]);
        Assert.Equal((null, 1.0, 1.0), (score.DetectionAccuracy, score.FuzzingAccuracy, score.Mean));
        Assert.Contains(
            "feature 77",
            Assert.Throws<ArgumentProblemException>(() => QuestionSet.Draw(Planted.Activations, 77, selection: false)).Message
        );
    }

    [Fact]
    public void a_score_of_few_readable_answers_is_undefined()
    {
        var questions = QuestionSet.Draw(Planted.Activations, PlantedFeatures.Tokens, selection: false)!;
        InterpretationScore Read(int answers) =>
            InterpretationScore.Of(
                questions,
                [.. questions.Detection.Select((question, i) => i < answers ? question.Truth : (bool?)null)],
                [.. questions.Fuzzing.Select(question => (bool?)question.Truth)]
            );
        Assert.Equal((1.0, 50), (Read(50).DetectionAccuracy, Read(50).Detection.Unparsed));
        Assert.Null(Read(49).DetectionAccuracy);
    }

    [Fact]
    public void passages_that_the_explanations_were_made_from_are_left_out_wherever_they_begin()
    {
        var text = PlantedFeatures.Text(3, 2000);
        var whole = HeldOutText.Cut(Planted.Tokenizer, 512, [text], [], long.MaxValue);
        var ids = Planted.Tokenizer.Encode(text);
        for (var offset = 0; offset < 16; offset += 5)
        {
            var held = HeldOutText.Cut(Planted.Tokenizer, 512, [text], [ids[(320 + offset)..(640 + offset)]], long.MaxValue);
            Assert.InRange(held.LeftOut, 9, 11);
            Assert.Equal(whole.Count, held.Count + held.LeftOut);
            Assert.NotEqual(whole.Fingerprint, held.Fingerprint);
        }
        Assert.Equal(whole.Fingerprint, HeldOutText.Cut(Planted.Tokenizer, 512, [text], [], long.MaxValue).Fingerprint);
        Assert.Contains(
            "another text",
            Assert.Throws<ArgumentProblemException>(() => HeldOutText.Cut(Planted.Tokenizer, 512, [text], [ids], long.MaxValue)).Message
        );
        Assert.Contains(
            "more text",
            Assert
                .Throws<ArgumentProblemException>(() => HeldOutText.Cut(Planted.Tokenizer, 512, ["Too short."], [], long.MaxValue))
                .Message
        );
        Assert.Contains(
            "511",
            Assert
                .Throws<ArgumentProblemException>(() => HeldOutText.Cut(Planted.Tokenizer, 512, [text], [], long.MaxValue, window: 512))
                .Message
        );
    }

    [Fact]
    public void no_more_tokens_are_read_than_asked_for()
    {
        var held = HeldOutText.Cut(Planted.Tokenizer, 512, [PlantedFeatures.Text(3, 2000)], [], 129 * 3 + 5);
        Assert.Equal((129 * 3L + 5, 12), (held.Tokens, held.Count));
    }

    [Fact]
    public void words_of_another_programs_dashboard_are_found_by_their_text()
    {
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 0,
            Corpus = new(1, 4, 4, 4),
            Pieces = [" king", "▁king", "nosuchpieceatall", "<bos>"],
            Bos = 3,
        };
        var translation = new TokenTranslation(source, Planted.Tokenizer);
        Assert.Equal(
            (Planted.Id("king"), Planted.Id("king"), -1, -1),
            (translation.Id(0), translation.Id(1), translation.Id(2), translation.Id(17))
        );
        var dashboard = new FeatureDashboard
        {
            Feature = 0,
            Count = 1,
            Density = 1,
            DensityAllPositions = 1,
            Max = 2,
            MeanNonzero = 2,
            Histogram = [],
            IntervalShares = [],
            DecoderNorm = 1,
            Examples = [new FeatureExample(-1, 0, 2, [3, 2, 0], [0, 0, 2])],
        };
        var example = Assert.Single(FeatureEvidence.Of(dashboard, translation).Examples);
        Assert.Equal([-1, Planted.Id("king")], example.Tokens);
        Assert.Equal(1, example.Position);
        Assert.Equal([0f, 2f], example.Values);
    }

    private static RuleExplanation? Explain(int feature) =>
        RuleExplainer.Explain(
            Planted.Evidence(feature),
            QuestionSet.Draw(Planted.Activations, feature, selection: true, 200)!,
            QuestionSet.Draw(Planted.Activations, feature, selection: false)!
        );
}
