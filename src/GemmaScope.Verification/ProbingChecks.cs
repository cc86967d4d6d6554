using System.Globalization;
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Probing tasks (every object with counts), pooling and feature splits, with the tolerances that expected.json names.</summary>
internal static class ProbingChecks
{
    // Means of f32 numbers, stored as f32.
    private const double PoolingTolerance = 1e-6;

    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var tolerance = new Tolerances(expected.Section("tolerance") ?? throw expected.Missing("tolerance"));
        foreach (var name in expected.Keys)
            if (expected.Section(name) is { } task && task.Has("counts"))
                foreach (var check in new Task(task, name, data, tolerance).Checks())
                    yield return check with
                    {
                        Name = $"{name}.{check.Name}",
                    };
        foreach (var check in PoolingChecks(data))
            yield return check;
        yield return Splits(expected.Section("feature_splits") ?? throw expected.Missing("feature_splits"));
    }

    private static IEnumerable<Check> PoolingChecks(SafetensorsFile data)
    {
        var (x, mask, want) = (
            EvaluationPartVerifier.F32(data, "pooling.x"),
            EvaluationPartVerifier.Flags(data, "pooling.mask"),
            EvaluationPartVerifier.F32(data, "pooling.mean")
        );
        var tokens = (int)x.Shape[1];
        var (dense, sparse) = (new float[want.Length], new float[want.Length]);
        for (var text = 0; text < want.Rows; text++)
        {
            var (rows, counted, at) = (
                x.AsMatrix().SliceRows(text * tokens, tokens),
                mask.AsSpan(text * tokens, tokens).ToArray(),
                text * x.Columns
            );
            Pooling.Mean(rows, counted, dense.AsSpan(at, x.Columns));
            foreach (var (feature, value) in Pooling.Mean(SparseProducts.FromDense(rows), counted))
                sparse[at + feature] = value;
        }
        yield return Check.Close("pooling.mean", dense, want.AsSpan(), PoolingTolerance);
        yield return Check.Close("pooling.sparse_mean", sparse, want.AsSpan(), PoolingTolerance);
    }

    private static Check Splits(JsonSection want)
    {
        var jump = want.Number("jump") ?? throw want.Missing("jump");
        var tally = new Tally("feature_splits");
        foreach (var one in want.Objects("cases"))
            tally.Compare(
                $"[{string.Join(", ", Golden.Numbers(one, "f1_by_k"))}]",
                KSparseProbe.CountSplits(Golden.Numbers(one, "f1_by_k"), jump),
                one.Integer("main_latents") ?? throw one.Missing("main_latents")
            );
        return tally.ToCheck();
    }

    private sealed record Tolerances(double Coefficients, double Auroc, double Objective)
    {
        public Tolerances(JsonSection section)
            : this(Read(section, "coefficients"), Read(section, "auroc"), Read(section, "objective_relative")) { }

        private static double Read(JsonSection section, string key) => section.Number(key) ?? throw section.Missing(key);
    }

    /// <summary>One task: its training and test examples in three forms.</summary>
    private sealed class Task(JsonSection want, string name, SafetensorsFile data, Tolerances tolerance)
    {
        private readonly bool[] _train = EvaluationPartVerifier.Flags(data, $"{name}.train.labels"),
            _test = EvaluationPartVerifier.Flags(data, $"{name}.test.labels");

        public IEnumerable<Check> Checks() => [.. Counts(), .. Latents(), .. Dense(), .. Words()];

        private IEnumerable<Check> Counts()
        {
            var counts = Part(want, "counts");
            yield return Golden.Count("counts.train", _train.Length, counts, "train");
            yield return Golden.Count("counts.test", _test.Length, counts, "test");
            yield return Golden.Count("counts.train_positive", _train.Count(label => label), counts, "train_positive");
            yield return Golden.Count("counts.test_positive", _test.Count(label => label), counts, "test_positive");
        }

        private IEnumerable<Check> Latents()
        {
            var (train, test) = (Sparse("train.latents"), Sparse("test.latents"));
            var difference = MeanDifference.Of(train, _train);
            yield return Near("mean_difference", difference, want, "mean_difference");
            var ranking = MeanDifference.Rank(difference);
            yield return Check.That("ranking", ranking.SequenceEqual(want.Integers("ranking") ?? []), $"{ranking.Length} latents");
            var sparse = Part(want, "k_sparse");
            foreach (var k in sparse.Keys)
            {
                var golden = Part(sparse, k);
                var got = KSparseProbe.Fit(
                    train,
                    _train,
                    int.Parse(k, CultureInfo.InvariantCulture),
                    new LogisticOptions { C = C(golden) }
                );
                yield return Check.That($"k_sparse.{k}.features", got.Features.SequenceEqual(golden.Integers("features") ?? []));
                foreach (
                    var check in Probe(
                        $"k_sparse.{k}",
                        got.Probe,
                        SparseProducts.Columns(train, got.Features),
                        SparseProducts.Columns(test, got.Features),
                        golden
                    )
                )
                    yield return check;
            }
            foreach (var check in Fit("all_latents_probe", train, test, Part(want, "all_latents_probe")))
                yield return check;
            foreach (var check in BestSingle(train, test, Part(want, "best_single_latent_by_auroc")))
                yield return check;
        }

        private IEnumerable<Check> BestSingle(SparseActivations train, SparseActivations test, JsonSection golden)
        {
            double[] all = [.. Enumerable.Range(0, train.Width).Select(latent => Ranking.AurocOf(_train, Column(train, latent))!.Value)];
            var best = Array.IndexOf(all, all.Max());
            yield return Near("best_single_latent.all_train_auroc", all, golden, "all_train_auroc");
            yield return Golden.Count("best_single_latent.feature", best, golden, "feature");
            yield return EvaluationPartVerifier.Defined(
                "best_single_latent.train_auroc",
                all[best],
                golden,
                "train_auroc",
                tolerance.Auroc
            );
            yield return EvaluationPartVerifier.Defined(
                "best_single_latent.test_auroc",
                Ranking.AurocOf(_test, Column(test, best)),
                golden,
                "test_auroc",
                tolerance.Auroc
            );
        }

        private IEnumerable<Check> Dense()
        {
            var (train, test) = (Sparse("train.dense"), Sparse("test.dense"));
            var probes = Part(want, "dense_probe");
            foreach (var check in probes.Keys.SelectMany(key => Fit($"dense_probe.{key}", train, test, Part(probes, key))))
                yield return check;

            var direction = MeanDifference.Of(train, _train);
            var golden = Part(want, "diff_mean");
            yield return Golden.Number(
                "diff_mean.direction_norm",
                TensorPrimitives.Norm<double>(direction),
                golden,
                "direction_norm",
                tolerance.Auroc
            );
            float[] rounded = [.. direction.Select(value => (float)value)];
            yield return Check.Within(
                "diff_mean.direction",
                Golden.Error(rounded, EvaluationPartVerifier.F32(data, $"{name}.diff_mean.direction").AsSpan()),
                PoolingTolerance
            );
            yield return Auroc("diff_mean.train_auroc", _train, SparseProducts.Times(train, direction), golden, "train_auroc");
            yield return Auroc("diff_mean.test_auroc", _test, SparseProducts.Times(test, direction), golden, "test_auroc");
        }

        private IEnumerable<Check> Words()
        {
            var golden = Part(want, "bag_of_words");
            var first = golden.Integer("first_id") ?? throw golden.Missing("first_id");
            var vocabulary = first + Golden.Numbers(golden, "coefficients").Length;
            SparseActivations Bag(string part)
            {
                var tokens = data[$"{name}.{part}.tokens"];
                return BagOfWords.Count(Golden.Integers(data, $"{name}.{part}.tokens").ToArray().Chunk(tokens.Columns), vocabulary, first);
            }
            return Fit("bag_of_words", Bag("train"), Bag("test"), golden);
        }

        private IEnumerable<Check> Fit(string probe, SparseActivations train, SparseActivations test, JsonSection golden) =>
            Probe(probe, LogisticProbe.Fit(train, _train, new LogisticOptions { C = C(golden) }), train, test, golden);

        private IEnumerable<Check> Probe(
            string probe,
            LogisticProbe got,
            SparseActivations train,
            SparseActivations test,
            JsonSection golden
        )
        {
            yield return Check.Within(
                $"{probe}.coefficients",
                Largest(got.Coefficients, Golden.Numbers(golden, "coefficients")),
                tolerance.Coefficients
            );
            yield return EvaluationPartVerifier.Defined($"{probe}.intercept", got.Intercept, golden, "intercept", tolerance.Coefficients);
            yield return Golden.Number($"{probe}.objective", got.Objective, golden, "objective", tolerance.Objective);
            var (onTrain, onTest) = (got.Scores(train), got.Scores(test));
            yield return EvaluationPartVerifier.Defined(
                $"{probe}.train_accuracy",
                Decisions(_train, onTrain).Accuracy,
                golden,
                "train_accuracy",
                0
            );
            yield return EvaluationPartVerifier.Defined(
                $"{probe}.test_accuracy",
                Decisions(_test, onTest).Accuracy,
                golden,
                "test_accuracy",
                0
            );
            yield return EvaluationPartVerifier.Defined(
                $"{probe}.test_f1",
                Decisions(_test, onTest).F1,
                golden,
                "test_f1",
                tolerance.Auroc
            );
            yield return Auroc($"{probe}.train_auroc", _train, onTrain, golden, "train_auroc");
            yield return Auroc($"{probe}.test_auroc", _test, onTest, golden, "test_auroc");
        }

        // Scores of equal inputs may differ in their last bits; what is equal within 1e-12 is a tie.
        private Check Auroc(string quantity, bool[] labels, double[] scores, JsonSection golden, string key) =>
            EvaluationPartVerifier.Defined(
                quantity,
                Ranking.AurocOf(labels, [.. scores.Select(score => Math.Round(score, 12))]),
                golden,
                key,
                tolerance.Auroc
            );

        // "Above 0", where the threshold rule says "at or above".
        private static Confusion Decisions(bool[] labels, double[] scores) => Confusion.At(labels, scores, double.Epsilon);

        private Check Near(string quantity, double[] got, JsonSection golden, string key) =>
            Check.Within(quantity, Largest(got, Golden.Numbers(golden, key)), tolerance.Auroc);

        private SparseActivations Sparse(string part) =>
            SparseProducts.FromDense(EvaluationPartVerifier.F32(data, $"{name}.{part}").AsMatrix());

        private static double[] Column(SparseActivations x, int latent) =>
            [.. Enumerable.Range(0, x.Rows).Select(row => (double)x.Value(row, latent))];

        private static double Largest(IReadOnlyList<double> got, double[] golden) =>
            got.Count == golden.Length
                ? got.Zip(golden, (a, b) => Math.Abs(a - b)).DefaultIfEmpty(double.PositiveInfinity).Max()
                : double.PositiveInfinity;

        private static double C(JsonSection golden) => golden.Number("C") ?? throw golden.Missing("C");

        private static JsonSection Part(JsonSection section, string key) => section.Section(key) ?? throw section.Missing(key);
    }
}
