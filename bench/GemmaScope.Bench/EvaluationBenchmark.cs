using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// What measuring one residual SAE a layer costs beside what it consists of at least: one prefill and each SAE's encoding. Two layers of
/// Gemma 2 2B's shape stand for its 26: work of model and dictionaries grows alike.
/// </summary>
internal sealed class EvaluationBenchmark() : Benchmark("eval", "eval without losses of one residual SAE of 16,384 features a layer")
{
    // See RandomDictionary; here the inputs are no unit normals, and the threshold is on their scale.
    private const double Threshold = 2.63;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.Options.Quick ? ModelShape.Tiny : ModelShape.TwoLayers);
        var (count, length, features) = setup.Options.Quick ? (2, 20, 1024) : (4, 128, 16384);
        int[][] sequences = [.. Enumerable.Range(0, count).Select(s => BenchSetup.Tokens(model.Config, length, s))];
        Site[] sites = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.ResidPost)];
        using var clean = model.Run(sequences, sites, logits: LogitRows.None);
        var width = model.Config.Width;
        using Tensor encoder = setup.Weights.Matrix(DType.F32, width, features, 1 / Math.Sqrt(width), 5),
            decoder = setup.Weights.Matrix(DType.F32, features, width, 1 / Math.Sqrt(width), 6);
        SparseDictionary[] dictionaries = [.. sites.Select(site => Dictionary(site, encoder, decoder, clean[site]))];
        var batch = EvaluationBatch.WithSpecialIds(sequences, [model.Config.BosId], model.Config.BosId);
        var evaluator = new Evaluator(model, dictionaries, new EvaluationOptions { Runs = [], Uniformity = false });

        var rates = setup.Race(
            new(1, () => model.Run(sequences, sites, logits: LogitRows.None).Dispose()),
            new(
                1,
                () =>
                {
                    foreach (var dictionary in dictionaries)
                        dictionary.Encode(clean, setup.Cancellation);
                }
            ),
            new(1, () => evaluator.Add(batch, setup.Cancellation))
        );
        double[] ratios =
        [
            .. Enumerable.Range(0, rates[0].Length).Select(round => 1 / rates[2][round] / (1 / rates[0][round] + 1 / rates[1][round])),
        ];
        yield return Figure.Below("eval without losses", ratios, "times", "one prefill and all encodings, times", 1.3);
        yield return new Figure("eval, features per token", evaluator.Sums.Dictionaries.Average(one => one.Sparsity.L0), "L0");
    }

    private static SparseDictionary Dictionary(Site site, Tensor encoder, Tensor decoder, Tensor x)
    {
        var scale = Math.Sqrt(x.AsSpan().ToArray().Average(value => (double)value * value));
        var thresholds = new float[encoder.Columns];
        Array.Fill(thresholds, (float)(Threshold * scale));
        return new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = new float[decoder.Columns],
            EncoderBias = new float[encoder.Columns],
            Threshold = thresholds,
        }.ToDictionary($"{site}", site);
    }
}
