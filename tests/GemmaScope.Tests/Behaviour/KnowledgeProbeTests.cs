using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

/// <summary>Probes of truth, matched names and shifts of style, on activations of which it is known what is in them.</summary>
public sealed class KnowledgeProbeTests
{
    private const int Width = 16,
        Topics = 5,
        EachTopic = 40;

    private const int Count = Topics * EachTopic;

    private readonly Random _random = new(3);

    [Fact]
    public void a_planted_direction_is_found_on_other_topics_and_shuffled_labels_find_none()
    {
        var (labels, parts) = Statements();
        var probes = Run(labels, new bool[Count], parts, (layer, i) => layer == 1 && labels[i] ? 4 : 0);
        Assert.All(probes.Choices, choice => Assert.Equal(1, choice.Layer));
        Assert.True(Ranking.AurocOf(labels, probes.Probabilities) > 0.95);
        Assert.InRange(Ranking.AurocOf(probes.ShuffledLabels, probes.RandomLabels)!.Value, 0.3, 0.7);
        Assert.All(probes.Cells.Where(cell => cell.Layer == 0), cell => Assert.InRange(cell.Auroc!.Value, 0.35, 0.65));
        // What one layer holds is not read from another.
        Assert.All(probes.Cells.Where(cell => cell.Layer == 1), cell => Assert.InRange(cell.OtherLayerAuroc!.Value, 0.35, 0.65));
    }

    [Fact]
    public void what_goes_together_is_told_from_truth_by_negations()
    {
        var (labels, parts) = Statements();
        bool[] negated = [.. labels.Select((_, i) => i % 4 > 1)];
        // "Paris is not the capital of France": false, and full of what goes together.
        var together = Run(labels, negated, parts, (_, i) => labels[i] != negated[i] ? 4 : 0);
        Assert.All(together.Cells, cell => Assert.True(cell.Auroc > 0.95 && cell.NegatedAuroc < 0.05));
        var truth = Run(labels, negated, parts, (_, i) => labels[i] ? 4 : 0);
        Assert.All(truth.Cells, cell => Assert.True(cell.Auroc > 0.95 && cell.NegatedAuroc > 0.95));
    }

    [Fact]
    public void probabilities_are_believable_after_a_fit_on_held_out_rows()
    {
        bool[] Labels() => [.. Enumerable.Range(0, 60).Select(i => i % 2 == 0)];
        float[][] Rows(bool[] labels) => [.. labels.Select(label => Row(label ? 1 : 0))];
        var (train, held, test) = (Labels(), Labels(), Enumerable.Range(0, 2000).Select(i => i % 2 == 0).ToArray());
        var probe = ActivationProbe.Fit(ProbeMethod.Logistic, Rows(train), train);
        var rows = Rows(test);
        var raw = Calibration.Of(test, probe.Probabilities(rows));
        var calibrated = Calibration.Of(test, probe.Calibrated(Rows(held), held).Probabilities(rows));
        Assert.True(calibrated.ExpectedError < raw.ExpectedError);
        Assert.True(calibrated.Brier < raw.Brier);
    }

    [Fact]
    public void a_probe_whose_scores_fall_where_they_should_rise_is_not_turned_round()
    {
        bool[] labels = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0)];
        float[][] rows = [.. labels.Select(label => Row(label ? 4 : 0))];
        var probe = ActivationProbe.Fit(ProbeMethod.MassMean, rows, labels).Calibrated(rows, [.. labels.Select(label => !label)]);
        Assert.All(probe.Probabilities(rows), probability => Assert.Equal(0.5, probability, 6));
    }

    [Fact]
    public void rows_that_are_all_the_same_are_told_apart_by_nothing()
    {
        bool[] labels = [true, false, true, false];
        var probe = ActivationProbe.Fit(ProbeMethod.Logistic, [.. labels.Select(_ => new float[Width])], labels);
        Assert.All(probe.Scores([new float[Width]]), score => Assert.Equal(0, score));
    }

    [Fact]
    public void what_is_about_one_thing_stays_in_one_part()
    {
        string[] keys = ["a", "a", "a", "b", "b", "c", "d", "e", "f"];
        var parts = Folds.Of(keys, 3, seed: 1);
        Assert.Equal(3, parts.Distinct().Count());
        Assert.All(keys.Zip(parts).GroupBy(one => one.First), group => Assert.Single(group.Select(one => one.Second).Distinct()));
        Assert.All(parts.CountBy(part => part), part => Assert.Equal(3, part.Value));
    }

    [Fact]
    public void names_that_match_leave_a_score_of_length_nothing()
    {
        // Known names are short, unknown ones are long, and some are as long as each other.
        var known = Enumerable.Range(0, 200).Select(i => i % 2 == 0).ToArray();
        int[] tokens = [.. known.Select(one => (one ? 1 : 2) + _random.Next(3))];
        double[] frequencies = [.. known.Select(one => (one ? 1 : 0) + 2 * _random.NextDouble())],
            scores = [.. tokens.Zip(frequencies, (length, frequency) => frequency - length)];
        var all = Enumerable.Range(0, known.Length).ToArray();
        var pairs = EntityMatching.Pairs(known, tokens, frequencies);
        int[] matched = [.. pairs.SelectMany(pair => (int[])[pair.Known, pair.Unknown])];
        Assert.True(pairs.Count > 20);
        Assert.All(pairs, pair => Assert.True(known[pair.Known] && !known[pair.Unknown] && tokens[pair.Known] == tokens[pair.Unknown]));
        Assert.Equal(matched.Length, matched.Distinct().Count());
        var (before, after) = (
            EntityMatching.Difference(known, tokens, frequencies, all)!,
            EntityMatching.Difference(known, tokens, frequencies, matched)!
        );
        Assert.True(Math.Abs(before.Tokens) > 0.7 && Math.Abs(before.Frequency) > 0.7);
        Assert.Equal(0, after.Tokens);
        Assert.True(Math.Abs(after.Frequency) < 0.1);
        Assert.True(Ranking.AurocOf(known, scores) > 0.85);
        Assert.InRange(Ranking.AurocOf([.. matched.Select(i => known[i])], [.. matched.Select(i => scores[i])])!.Value, 0.4, 0.6);
    }

    [Fact]
    public void a_probe_that_reads_the_style_dies_in_the_style_without_it()
    {
        var shifts = Shifts((style, label) => label && style != 2 ? 6 : 0, (_, _) => 1);
        Assert.True(shifts[0].Survives && shifts[1].Survives);
        Assert.True(shifts[0].PValue <= 0.05);
        Assert.False(shifts[2].Survives);
        Assert.InRange(shifts[2].Auroc!.Value, 0.2, 0.8);
    }

    [Fact]
    public void a_probe_that_reads_the_trait_survives_every_style() =>
        Assert.All(Shifts((_, label) => label ? 6 : 0, (_, _) => 1), shift => Assert.True(shift.Survives));

    [Fact]
    public void what_entropy_predicts_is_taken_out()
    {
        // The activation is nothing but the entropy, which one kind has more of.
        var shifts = Shifts((_, _) => null, (_, label) => (label ? 2 : 1) + 0.2 * _random.NextDouble());
        Assert.All(shifts, shift => Assert.True(shift is { Auroc: > 0.95, CovariateAuroc: > 0.95, Survives: false }));
        Assert.All(shifts, shift => Assert.InRange(shift.Residual!.Value, 0.2, 0.8));
    }

    [Fact]
    public void readings_are_the_rows_of_their_tokens_and_means_over_spans()
    {
        using var model = GemmaModel.Load(DemoFiles.Require("demo-it"));
        int[] prompt = model.Tokenizer.Encode("The cat sat on the mat", addBos: true);
        var site = Site.ResidPost(2);
        var last = 0f;
        var read = ResidualReadings.Read(
            model,
            [
                [2, 5],
                prompt,
            ],
            [
                [Positions.At(1), new(0, 2)],
                [Positions.At(3), new(1, 4)],
            ],
            [site],
            (i, logits) =>
            {
                // Prompts of a batch are answered at once, in no order.
                if (i == 1)
                    last = logits[7];
            }
        );
        using var run = model.Run(prompt, capture: [site], logits: LogitRows.Last);
        Assert.Equal(run[site].Row(3).ToArray(), read[site, 0][1]);
        var mean = Enumerable
            .Range(0, model.Config.Width)
            .Select(c => (run[site].Row(1)[c] + run[site].Row(2)[c] + run[site].Row(3)[c]) / 3);
        Assert.All(mean.Zip(read[site, 1][1]), pair => Assert.Equal(pair.First, pair.Second, 1e-3f * (1 + Math.Abs(pair.First))));
        Assert.Equal(run.LastLogits()[7], last, 1e-3f);
        Assert.Throws<ArgumentProblemException>(() =>
            ResidualReadings.Read(
                model,
                [prompt],
                [
                    [new(3, 3)],
                ],
                [site]
            )
        );
    }

    [Fact]
    public void an_answer_is_read_from_all_forms_of_its_words()
    {
        using var model = GemmaModel.Load(DemoFiles.Require("demo-it"));
        var words = YesNo.Of(model.Tokenizer);
        var logits = new float[model.Tokenizer.VocabularySize];
        Array.Fill(logits, -20);
        logits[model.Tokenizer.Encode("Yes")[0]] = 3;
        logits[model.Tokenizer.Encode("No")[0]] = 1;
        var answer = words.Read(logits);
        Assert.Equal(2, answer.LogOdds, 3);
        Assert.Equal(1, answer.Mass, 3);
        Assert.True(answer.IsYes);
        Assert.Throws<ArgumentProblemException>(() => YesNo.Of(model.Tokenizer, "Indisputably so"));
    }

    private (bool[] Labels, int[] Parts) Statements() =>
        ([.. Enumerable.Range(0, Count).Select(i => i % 2 == 0)], [.. Enumerable.Range(0, Count).Select(i => i / EachTopic)]);

    private TruthProbes Run(bool[] labels, bool[] negated, int[] parts, Func<int, int, float> planted)
    {
        float[][][] rows =
        [
            .. Enumerable.Range(0, 2).Select(layer => Enumerable.Range(0, Count).Select(i => Row(planted(layer, i))).ToArray()),
        ];
        return TruthProbing.Run(2, 1, (layer, _) => rows[layer], labels, negated, parts, seed: 1);
    }

    private IReadOnlyList<StyleShift> Shifts(Func<int, bool, float?> planted, Func<int, bool, double> entropy)
    {
        bool[] labels = [.. Enumerable.Range(0, 80).Select(i => i % 2 == 0)];
        double[][] entropies = [.. Enumerable.Range(0, 3).Select(style => labels.Select(label => entropy(style, label)).ToArray())];
        float[][][] rows =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(style => labels.Select((label, i) => Row(planted(style, label) ?? 10 * (float)entropies[style][i])).ToArray()),
        ];
        double[][] lengths = [.. Enumerable.Range(0, 3).Select(_ => labels.Select(_ => 20.0).ToArray())];
        return StyleShifts.Measure(
            new(rows, entropies, lengths),
            ["plain", "one", "two"],
            labels,
            [.. Enumerable.Range(0, 40)],
            [.. Enumerable.Range(40, 40)],
            permutations: 40,
            resamples: 100,
            seed: 1
        );
    }

    /// <summary>Noise, and something along the first axis.</summary>
    private float[] Row(float planted)
    {
        float[] row = [.. Enumerable.Range(0, Width).Select(_ => (float)(2 * _random.NextDouble() - 1))];
        row[0] += planted;
        return row;
    }
}
